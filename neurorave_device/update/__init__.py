"""Updates from the card: signed packages, installed beside what plays, tried, and confirmed or left again."""

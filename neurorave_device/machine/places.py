"""Where the module lies on a board, and whose it is. The units in `systemd/` say the same; a test compares them."""

HOME = "/opt/neurorave"
# A folder for each version, and a link to the one that is used.
VERSIONS = HOME + "/versions"
CURRENT = HOME + "/current"
# What the service starts: a copy of update/launcher.py and its companion, which no update replaces.
LAUNCHER = HOME + "/launcher"
# The key that updates must be signed with.
UPDATE_KEY = "/etc/neurorave/update.pub"
CONFIG = "/etc/neurorave/neurorave.yaml"
STATE = "/var/lib/neurorave"
CACHE = "/var/cache/neurorave"
USER = "neurorave"
GROUPS = ("audio", "gpio", "i2c", "spi", "video")
# The card: where it is mounted, and what its partition is called.
CARD = "/media/neurorave"
LABEL = "NEURORAVE"

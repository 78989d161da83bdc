"""The one exception that is meant for the person in front of the module."""


class UserError(Exception):
    """Bad input, said in one sentence that names file, key, value and what is allowed.

    The commands print the sentence on stderr and exit with status 2; a running module shows it and
    plays on.
    """

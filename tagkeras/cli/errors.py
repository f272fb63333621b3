"""The exception that commands turn into one clear line."""


class UserError(Exception):
    """A mistake in the input or the flags that the user can mend.

    The message names the thing at fault and the remedy, in one line. Commands print it on standard
    error without a traceback and exit with status 1; library callers catch it as any exception.
    """

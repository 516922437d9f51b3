"""Loads the native part before any other module does, so that a failure is explained in one place."""


def _load() -> None:
    try:
        import ssf_transmitter._native  # noqa: F401
    except ImportError as error:
        if "subinterpreters" not in str(error):
            raise
        raise ImportError(
            "ssf_transmitter works in the main interpreter of a process only, and this is a subinterpreter; "
            "under mod_wsgi set `WSGIApplicationGroup %{GLOBAL}`, elsewhere import it in the main interpreter "
            "or in a separate process",
            name="ssf_transmitter",
        ) from error


_load()

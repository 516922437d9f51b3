"""Events: what happened. One module per family, one frozen dataclass per event type.

>>> from ssf_transmitter.events import caep
>>> caep.SessionRevoked(reason_admin={"en": "Laptop lost"}).to_dict()
{'https://schemas.openid.net/secevent/caep/event-type/session-revoked': {'reason_admin': {'en': 'Laptop lost'}}}

`from ssf_transmitter.events import caep` loads that family alone.
"""

from ssf_transmitter._model import CatalogueEvent, CustomEvent, Event

__all__ = ["CatalogueEvent", "CustomEvent", "Event"]

"""A client of the HTTP service, in two forms: `Client` and `AsyncClient`. Needs httpx only (extra `client`), no torch.

from globalner.client import Client

with Client("http://127.0.0.1:8000", api_key="...") as client:
    for document in client.extract(["Mara Lindqvist joined the University of Lisbon."]):
        print([(entity.label, entity.text) for entity in document.entities])
"""

from globalner.client.asynchronous import AsyncClient
from globalner.client.connection import Service
from globalner.client.errors import ServiceError, ServiceUnreachableError
from globalner.client.retries import RetryPolicy
from globalner.client.synchronous import Client

__all__ = ["AsyncClient", "Client", "RetryPolicy", "Service", "ServiceError", "ServiceUnreachableError"]

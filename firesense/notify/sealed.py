"""What providers encrypt before they send it to us: AES-256-CBC, padded as PKCS #7 says (RFC 5652 6.3)."""

from __future__ import annotations

import binascii
from base64 import b64decode

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from firesense.domain.errors import Unreadable

BLOCK = 16
"""Bytes of a block of AES, and of an initialisation vector."""


def unbase64(text: str) -> bytes:
    """Decode base64 that holds nothing else. Raises Unreadable."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable("what was encrypted is no base64") from error


def opened(key: bytes, vector: bytes, sealed: bytes, *, padded_to: int) -> bytes:
    """Decrypt with a key of 32 bytes; ``padded_to`` is what the sender fills up to a multiple of.

    CBC does not show whether anybody changed the bytes: whoever calls this has checked a signature, or does nothing
    with what comes out. Raises Unreadable for what is cut short or wrongly padded.
    """
    if len(vector) != BLOCK or not sealed or len(sealed) % BLOCK:
        raise Unreadable("what was encrypted is cut short")
    decryptor = Cipher(AES256(key), CBC(vector)).decryptor()
    plain = decryptor.update(sealed) + decryptor.finalize()
    padding = plain[-1]
    if not 1 <= padding <= padded_to or not plain.endswith(bytes([padding]) * padding):
        raise Unreadable("what was encrypted is wrongly padded")
    return plain[:-padding]


def sealed(key: bytes, vector: bytes, plain: bytes, *, padded_to: int) -> bytes:
    """Encrypt: what ``opened`` opens."""
    padding = padded_to - len(plain) % padded_to
    encryptor = Cipher(AES256(key), CBC(vector)).encryptor()
    return encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()

"""What may go wrong with a request to the API, for its OpenAPI document."""

from typing import Any

from firesense.web.documents import ProblemDocument


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Give the answers of these statuses."""
    return {
        status: {"model": ProblemDocument, "description": description}
        for status, description in (
            (401, "Nobody is logged in."),
            (403, "The CSRF token is missing or wrong, or the user has no right to this."),
            (404, "There is no such thing."),
            (409, "It is not in a state that allows this."),
            (413, "The body is too large, or no photo."),
            (422, "The request is not understood."),
            (429, "Too many failed log-ins."),
            (502, "The history store refused."),
            (503, "The book or the history store is away; try again."),
        )
        if status in statuses
    }

"""What an error report may say: where the program failed, and nothing that anybody typed.

Closed by default, for every view and every act, so that nobody has to remember a decorator.
"""

from collections.abc import ItemsView
from types import FrameType, TracebackType
from typing import Any

from django.http import HttpRequest
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter


class NothingTyped(SafeExceptionReporterFilter):
    """Hide the variables of every frame: choices, shares, codes and passwords pass through them."""

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        return dict[str, Any]().items()


class FrameReporter(ExceptionReporter):
    """Report the lines of code alone: no form, no address, no cookie, no text that failed to decode."""

    def __init__(
        self,
        request: HttpRequest | None,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
        is_email: bool = False,
    ) -> None:
        super().__init__(None, exc_type, exc_value, tb, is_email)

    def get_traceback_data(self) -> dict[str, Any]:
        return super().get_traceback_data() | {"unicode_hint": ""}

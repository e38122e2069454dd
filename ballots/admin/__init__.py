"""The office's pages in Django admin; the module that Django looks for registers them."""

from ballots.admin import delegates

__all__ = ["delegates"]

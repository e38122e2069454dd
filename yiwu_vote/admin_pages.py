"""A page of our own among those that Django admin has for a model."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def model_page(
    request: HttpRequest, model: type[Model], name: str, title: str, context: dict[str, Any]
) -> HttpResponse:
    """Render the page `name` of `model`; its template lies where Django looks for the model's own."""
    opts = model._meta
    template = f"admin/{opts.app_label}/{opts.model_name}/{name}.html"
    page = {"title": title, "opts": opts} | context
    return render(request, template, admin.site.each_context(request) | page)

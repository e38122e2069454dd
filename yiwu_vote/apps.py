"""The admin site as an app, so that `admin.site` everywhere is ours."""

from django.contrib.admin.apps import AdminConfig


class VoteAdminConfig(AdminConfig):
    default_site = "yiwu_vote.admin.VoteAdminSite"

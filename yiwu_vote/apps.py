"""The admin site as an app, so that `admin.site` everywhere is ours; and this package, for its commands."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class VoteAdminConfig(AdminConfig):
    default_site = "yiwu_vote.admin.VoteAdminSite"


class MachineConfig(AppConfig):
    name = "yiwu_vote"

"""Addresses of the candidates."""

from django.urls import path

from projects import views

app_name = "projects"

urlpatterns = [
    path("", views.project_list, name="list"),
    path("sample/", views.sample, name="sample"),
    path("<int:number>/", views.project_detail, name="detail"),
]

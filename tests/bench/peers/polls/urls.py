"""The addresses of the tutorial's part 4 that are measured."""

from django.urls import path

from tests.bench.peers.polls import views

app_name = "polls"
urlpatterns = [
    path("<int:pk>/", views.DetailView.as_view(), name="detail"),
    path("<int:pk>/results/", views.ResultsView.as_view(), name="results"),
    path("<int:question_id>/vote/", views.vote, name="vote"),
]

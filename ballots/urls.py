"""Addresses of the delegates' pages and of those that anybody may see (DESIGN §9)."""

from django.urls import path

from ballots import public, recommend, screen, tablet, views

app_name = "ballots"

urlpatterns = [
    path("", views.sign_in, name="sign-in"),
    path("k/<str:token>/", views.card, name="card"),
    # A QR code of capitals and digits alone is smaller, and cards are printed small.
    path("K/<str:token>/", views.card),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("text-size/", views.preferences, name="text-size"),
    path("language/", views.preferences, name="language"),
    path("tablet/", tablet.tablet, name="tablet"),
    path("home/", views.home, name="home"),
    path("progress/", views.progress, name="progress"),
    path("ballot/", views.ballot, name="ballot"),
    path("ballot/alike/", views.alike, name="alike"),
    path("ballot/review/", views.review, name="review"),
    path("ballot/cast/", views.cast, name="cast"),
    path("receipt/", views.receipt, name="receipt"),
    path("recommend/", recommend.recommend, name="recommend"),
    path("recommend/withdraw/", recommend.withdraw, name="withdraw"),
    path("results/", public.results, name="results"),
    path("board/", public.board, name="board"),
    path("screen/<str:key>/", screen.screen, name="screen"),
    path("healthz", public.healthz, name="healthz"),
    path("readyz", public.readyz, name="readyz"),
]

"""Addresses of the delegates' pages and of those that anybody may see (DESIGN §9)."""

from django.urls import path

from ballots.pages import ballot, recommend, results, screen, tablet

app_name = "ballots"

urlpatterns = [
    path("", ballot.sign_in, name="sign-in"),
    path("k/<str:token>/", ballot.card, name="card"),
    # A QR code of capitals and digits alone is smaller, and cards are printed small.
    path("K/<str:token>/", ballot.card),
    path("sign-out/", ballot.sign_out, name="sign-out"),
    path("text-size/", ballot.preferences, name="text-size"),
    path("language/", ballot.preferences, name="language"),
    path("tablet/", tablet.tablet, name="tablet"),
    path("home/", ballot.home, name="home"),
    path("progress/", ballot.progress, name="progress"),
    path("ballot/", ballot.ballot, name="ballot"),
    path("ballot/alike/", ballot.alike, name="alike"),
    path("ballot/review/", ballot.review, name="review"),
    path("ballot/cast/", ballot.cast, name="cast"),
    path("receipt/", ballot.receipt, name="receipt"),
    path("recommend/", recommend.recommend, name="recommend"),
    path("recommend/withdraw/", recommend.withdraw, name="withdraw"),
    path("results/", results.results, name="results"),
    path("board/", results.board, name="board"),
    path("screen/<str:key>/", screen.screen, name="screen"),
    path("healthz", results.healthz, name="healthz"),
    path("readyz", results.readyz, name="readyz"),
]

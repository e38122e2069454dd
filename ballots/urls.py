"""Addresses of the delegates' pages and of those that anybody may see (design §9)."""

from django.urls import path

from ballots.pages import (
    ballot,
    board,
    home,
    proof,
    recommend,
    results,
    screen,
    sign_in,
    tablet,
    year,
)

app_name = "ballots"

urlpatterns = [
    path("", sign_in.sign_in, name="sign-in"),
    path("k/<str:token>/", sign_in.card, name="card"),
    # A QR code of capitals and digits alone is smaller, and cards are printed small.
    path("K/<str:token>/", sign_in.card),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("text-size/", sign_in.preferences, name="text-size"),
    path("language/", sign_in.preferences, name="language"),
    path("tablet/", tablet.tablet, name="tablet"),
    path("home/", home.home, name="home"),
    path("progress/", home.progress, name="progress"),
    path("ballot/", ballot.ballot, name="ballot"),
    path("ballot/deadline/", ballot.deadline, name="deadline"),
    path("ballot/review/", ballot.review, name="review"),
    path("ballot/cast/", ballot.cast, name="cast"),
    path("receipt/", ballot.receipt, name="receipt"),
    path("recommend/", recommend.recommend, name="recommend"),
    path("recommend/withdraw/", recommend.withdraw, name="withdraw"),
    path("results/", results.results, name="results"),
    path("results/check/", proof.check, name="check"),
    path("results/package/", proof.public_package, name="public-package"),
    path("results/verifier/", proof.verifier_file, name="verifier"),
    path("year/<int:year>/", year.year_page, name="year"),
    path("year/<int:year>/opinions/", year.own_opinions, name="own-opinions"),
    path("year/<int:year>/<int:number>/", year.project_page, name="year-project"),
    path("year/<int:year>/<int:number>/opinions/", year.opinions_page, name="year-opinions"),
    path("board/", board.board, name="board"),
    path("screen/<str:key>/", screen.screen, name="screen"),
]

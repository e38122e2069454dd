"""What a laptop without internet is served from: packed by `make kit`, started by its two scripts."""

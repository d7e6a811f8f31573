"""The experiment and the studies beside it: what the page's and README's figures are."""

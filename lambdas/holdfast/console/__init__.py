"""The console's HTTP API: a thin shell around what the command line does too. Only the console function imports it."""

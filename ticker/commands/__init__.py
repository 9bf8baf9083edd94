"""The commands of `ticker`, each imported when it is called."""

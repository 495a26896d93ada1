package sqlite_test

func restoreMain() {}

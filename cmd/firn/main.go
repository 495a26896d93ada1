// Firn keeps the history of SQLite databases: see its help, and package cmd.
package main

import (
	"os"

	"firn/cmd"
)

func main() {
	os.Exit(cmd.Main(os.Args[1:]))
}

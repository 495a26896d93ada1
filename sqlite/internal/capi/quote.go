package capi

import "strings"

// Quote returns a text without control characters as a literal of SQL.
func Quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// Identifier returns a name as an identifier of SQL.
func Identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

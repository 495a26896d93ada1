package outcome

// The exit codes of the program. Their meaning is a promise to users; [Codes] describes them.
const (
	CodeDone         = 0
	CodeFailed       = 1
	CodeUsage        = 2
	CodeSource       = 3
	CodePartly       = 4
	CodeNoRepository = 10
	CodeRunning      = 11
	CodeWrongKey     = 12
	CodeDamage       = 13
	CodeInterrupted  = 130
)

// Codes describes the exit codes for users. "firn help exit-codes" shows it.
const Codes = `Exit codes:
  0    done
  1    failed, or there is no such snapshot
  2    wrong usage or configuration
  3    the source could not be read, or is not an SQLite database
  4    some environments failed, others are done
  10   there is no repository at this place
  11   the environment is watched, or its run is under way
  12   wrong key or password
  13   damage was found, or the repository shows less than was stored
  130  interrupted; nothing is left half-done
`

package follow

// Rule says how a tracker came to know which pages have changed, or why it does not know. Rules that begin with a question
// mark are those of not knowing.
type Rule string

// The rules by which all changed pages are known.
const (
	Same     Rule = "same"      // nothing was committed
	Append   Rule = "append"    // the WAL was only appended to
	Older    Rule = "older"     // restarted once, and the old tail ends at a frame of an older generation
	Checksum Rule = "checksum"  // restarted, no commit since, and the old tail has the frame with the header's checksum
	Count    Rule = "count"     // restarted once, and the old tail and the new generation together have all commits
	CountNew Rule = "count-new" // restarted, and the new generation alone has all commits
)

// The rules that leave a tracker as it was.
const (
	Raced Rule = "raced" // the WAL was restarted meanwhile: nothing was learnt
	Busy  Rule = "busy"  // the header is being written, or its writer was killed
)

// The reasons for not knowing.
const (
	First       Rule = "?first"       // nothing was known before
	NoWAL       Rule = "?no-wal"      // not in WAL mode, or nothing was ever written to this WAL
	Alone       Rule = "?alone"       // read without SQLite's locks
	Recovered   Rule = "?recovered"   // a recovery has found no commit in the WAL
	PageSize    Rule = "?page-size"   // pages have another size
	Replaced    Rule = "?replaced"    // the files of the database's name are others
	Broken      Rule = "?broken"      // frames are not as the header says
	Anchor      Rule = "?anchor"      // the last frame that was seen is another one
	Overwritten Rule = "?overwritten" // the new generation has overwritten the old tail
	EndOfFile   Rule = "?eof"         // the old tail ends with the file, which may have been cut
	Salts       Rule = "?salts"       // restarted more than once
	Restarted   Rule = "?restarted"   // restarted while it was read
)

// Unknown reports whether the rule is a reason for not knowing.
func (r Rule) Unknown() bool { return r != "" && r[0] == '?' }

// Advanced reports whether the tracker has come to a new state.
func (r Rule) Advanced() bool { return r != Raced && r != Busy }

package main

// contender is a way to keep the history of a database, as shell scripts. They
// see DB, the database, and TMP, REPO and OUT, paths of their own.
type contender struct {
	name, title           string
	tools                 []string
	init, backup, restore string
}

// keep is the retention that all contenders follow.
const keep = "--keep-last 10 --keep-hourly 24 --keep-daily 7 --keep-weekly 4 --keep-monthly 6"

// contenders returns all of them; ratios are to the first.
func contenders() []contender {
	return []contender{
		{
			name: "script", title: "VACUUM INTO, zstd --rsyncable, restic",
			tools: []string{"sqlite3", "zstd", "restic"},
			init:  `restic init -q`,
			backup: `sqlite3 "$DB" "VACUUM INTO '$TMP/app.db'"
				zstd -q --rsyncable -3 --rm "$TMP/app.db" -o "$TMP/app.db.zst"
				restic backup -q "$TMP/app.db.zst"
				rm "$TMP/app.db.zst"
				restic forget -q ` + keep + ` --prune`,
			restore: `restic dump latest "$TMP/app.db.zst" | zstd -q -d -o "$OUT"`,
		},
		{
			name: "copy", title: ".backup, restic",
			tools: []string{"sqlite3", "restic"},
			init:  `restic init -q`,
			backup: `sqlite3 "$DB" ".backup '$TMP/app.db'"
				restic backup -q "$TMP/app.db"
				rm "$TMP/app.db"
				restic forget -q ` + keep + ` --prune`,
			restore: `restic dump latest "$TMP/app.db" >"$OUT"`,
		},
		{
			name: "firn", title: "firn backup --prune",
			tools: []string{"firn"},
			init: `firn key generate >"$TMP/key"
				chmod 600 "$TMP/key"
				firn init --quiet --repository "$REPO" --key-file "$TMP/key"`,
			backup:  `firn backup --quiet --repository "$REPO" --key-file "$TMP/key" --database "$DB" --env bench --prune`,
			restore: `firn restore --quiet --repository "$REPO" --key-file "$TMP/key" --from bench --snapshot latest --target "$OUT" --yes`,
		},
	}
}

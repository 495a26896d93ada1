package main

// contender is a way to keep the history of a database, as shell scripts. They
// see DB, the database, and TMP, REPO and OUT, paths of their own; a backup may
// see TIME, which the snapshot shall have. What it cannot do is empty.
type contender struct {
	name, title           string
	tools                 []string
	init, backup, restore string

	prune  string // frees what is due every few hours; sees AGE, of packs that no backup under way needs
	verify string
	clone  bool // the restore goes over a database that is there, too
}

// keep is the retention that all contenders follow.
const keep = "--keep-last 10 --keep-hourly 24 --keep-daily 7 --keep-weekly 4 --keep-monthly 6"

// firnName and scriptName are the contenders that the goals compare; copyName
// stores the same pages as firn.
const scriptName, copyName, firnName = "script", "copy", "firn"

// contenders returns all of them; ratios are to the first.
func contenders() []contender {
	return []contender{
		{
			name: scriptName, title: "VACUUM INTO, zstd --rsyncable, restic",
			tools: []string{"sqlite3", "zstd", "restic"},
			init:  `restic init -q`,
			backup: `sqlite3 "$DB" "VACUUM INTO '$TMP/app.db'"
				zstd -q --rsyncable -3 --rm "$TMP/app.db" -o "$TMP/app.db.zst"
				restic backup -q ${TIME:+--time "$TIME"} "$TMP/app.db.zst"
				rm "$TMP/app.db.zst"
				restic forget -q ` + keep + ` --prune`,
			restore: `restic dump latest "$TMP/app.db.zst" | zstd -q -d -o "$OUT"`,
		},
		{
			name: copyName, title: ".backup, restic",
			tools: []string{"sqlite3", "restic"},
			init:  `restic init -q`,
			backup: `sqlite3 "$DB" ".backup '$TMP/app.db'"
				restic backup -q ${TIME:+--time "$TIME"} "$TMP/app.db"
				rm "$TMP/app.db"
				restic forget -q ` + keep + ` --prune`,
			restore: `restic dump latest "$TMP/app.db" >"$OUT"`,
		},
		{
			name: "borg", title: ".backup, borg",
			tools: []string{"sqlite3", "borg"},
			init:  `borg init -e repokey`,
			backup: `sqlite3 "$DB" ".backup '$TMP/app.db'"
				cd "$TMP"
				borg create -C zstd,3 ${TIME:+--timestamp "$(echo "$TIME" | tr ' ' T)"} "::{now:%Y-%m-%dT%H:%M:%S.%f}" app.db
				rm app.db
				borg prune ` + keep + `
				borg compact`,
			restore: `borg extract --stdout "::$(borg list --last 1 --short)" app.db >"$OUT"`,
		},
		{
			name: firnName, title: "firn backup --prune",
			tools: []string{"firn"},
			init: `firn key generate >"$TMP/key"
				chmod 600 "$TMP/key"
				firn init --quiet`,
			backup:  `firn backup --quiet ${TIME:+--time "$TIME"} --database "$DB" --env bench --prune ` + keep,
			restore: `firn restore --quiet --from bench --snapshot latest --target "$OUT" --yes`,
			prune:   `firn prune --quiet ${AGE:+--orphan-age "$AGE"}`,
			verify:  `firn verify --quiet bench`,
			clone:   true,
		},
	}
}

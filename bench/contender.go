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

	// daemon is a command that runs all the time; backup then waits until the replica has
	// all that was committed. The contender has a database of its own.
	daemon string
	// unproven says that the scripts follow the program's manual, and have not been run.
	// The contender is left out if they fail on a small database.
	unproven bool
}

// replicates reports whether the contender replicates all the time.
func (c contender) replicates() bool { return c.daemon != "" }

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
			name: "kopia", title: ".backup, kopia",
			tools: []string{"sqlite3", "kopia"}, unproven: true,
			init: `kopia repository create filesystem --path "$REPO"
				kopia policy set --global --compression zstd --keep-latest 10 --keep-hourly 24 \
					--keep-daily 7 --keep-weekly 4 --keep-monthly 6 --keep-annual 0`,
			backup: `sqlite3 "$DB" ".backup '$TMP/app.db'"
				kopia snapshot create "$TMP/app.db"
				rm "$TMP/app.db"`,
			restore: `kopia restore "$TMP/app.db" "$OUT"`,
		},
		{
			name: "rustic", title: ".backup, rustic",
			tools: []string{"sqlite3", "rustic"}, unproven: true,
			init: `rustic init`,
			backup: `sqlite3 "$DB" ".backup '$TMP/app.db'"
				rustic backup "$TMP/app.db"
				rm "$TMP/app.db"
				rustic forget ` + keep + ` --prune --instant-delete`,
			restore: `rustic dump "latest:$TMP/app.db" >"$OUT"`,
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
		{
			name: "litestream", title: "litestream replicate",
			tools: []string{"litestream"},
			init: `cat >"$TMP/litestream.yml" <<-EOF
					socket: {enabled: true, path: "$TMP/socket"}
					dbs: [{path: "$DB", replica: {type: file, path: "$REPO"}}]
				EOF`,
			daemon: `litestream replicate -config "$TMP/litestream.yml"`,
			backup: `until test -S "$TMP/socket"; do sleep 0.01; done
				litestream sync -wait -socket "$TMP/socket" "$DB"`,
			restore: `litestream restore -o "$OUT" "file://$REPO"`,
		},
	}
}

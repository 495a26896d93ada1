package main

import "slices"

// contender is a way to keep the history of a database, as shell scripts. A script sees DB,
// the database, and TMP, REPO and OUT, paths of the contender's own. A backup may see TIME,
// the time that its snapshot shall have. The script of an operation that the contender does
// not have is empty.
type contender struct {
	name, title           string
	tools                 []string
	init, backup, restore string

	prune  string // a prune of every few hours; may see AGE: older packs belong to no running backup
	verify string // the newest snapshot, by all checks
	clone  bool   // restore also works over an existing database

	backupUnproven string // a backup that does not look whether the database is sound
	verifyPages    string // the newest snapshot, if nothing is known of it

	// daemon is a command that runs all the time, on a database of the contender's own. The
	// backup then waits until the replica has all committed transactions.
	daemon string
	// unproven says that the scripts follow the program's manual, and have never been run.
	// The contender is left out if its scripts fail on a small database.
	unproven bool
}

// replicates reports whether the contender replicates all the time.
func (c contender) replicates() bool { return c.daemon != "" }

// keep is the retention that all contenders follow.
const keep = "--keep-last 10 --keep-hourly 24 --keep-daily 7 --keep-weekly 4 --keep-monthly 6"

// The goals compare firnName with scriptName. copyName stores the same pages as firn.
const scriptName, copyName, firnName = "script", "copy", "firn"

// beforeName is another build of firn, to compare the present one with.
const beforeName = "before"

// contenders returns all contenders. Ratios compare each with the first.
func contenders() []contender {
	return slices.Concat(resticContenders(), copyingContenders(), []contender{firnContender(firnName, "firn backup --prune", firnName), litestreamContender()})
}

// resticContenders are the script pipeline, and restic alone.
func resticContenders() []contender {
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
	}
}

// copyingContenders store the same pages as firn, in other programs' repositories.
func copyingContenders() []contender {
	return []contender{
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
	}
}

// firnContender is firn, with the name of its program.
func firnContender(name, title, program string) contender {
	return contender{
		name: name, title: title,
		tools: []string{program},
		init: program + ` key generate >"$TMP/key"
			chmod 600 "$TMP/key"
			` + program + ` init --quiet`,
		backup:  program + ` backup --quiet ${TIME:+--time "$TIME"} --database "$DB" --env bench --prune ` + keep,
		restore: program + ` restore --quiet --from bench --snapshot latest --target "$OUT" --yes`,
		prune:   program + ` prune --quiet ${AGE:+--orphan-age "$AGE"}`,
		verify:  program + ` verify --quiet --full bench`,
		clone:   true,

		backupUnproven: program + ` backup --quiet ${TIME:+--time "$TIME"} --database "$DB" --env bench --unproven --prune ` + keep,
		verifyPages:    program + ` verify --quiet bench`,
	}
}

func litestreamContender() contender {
	return contender{
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
	}
}

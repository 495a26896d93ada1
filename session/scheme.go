package session

import (
	"fmt"
	"strings"

	"firn/outcome"
)

// refuseScheme is the error for a location that looks like one of a kind which this program does not know. Taken for the
// name of a folder, it would put backups where no one looks for them.
func (c *Caller) refuseScheme(location, scheme string) error {
	shown := location
	if strings.Contains(location, "@") {
		shown = scheme + ":..." // a password may stand before the @
	}
	var forms []string
	for _, kind := range c.Kinds {
		if kind.Matches(strings.ToLower(location)) {
			return outcome.Usage("The forms are "+kind.Forms()+".", "repository %q: a scheme is written in lower case", shown)
		}
		forms = append(forms, kind.Forms())
	}
	hint := insteadOf(scheme)
	switch {
	case scheme == "file":
		hint = "Name the folder by its path alone: " + strings.TrimPrefix(location[len("file:"):], "//")
	case scheme == "s3":
		hint = "A Go program names the kinds of its places: firn/store/s3 has the one for buckets."
	case scheme == "sftp":
		hint = "A Go program names the kinds of its places: firn/store/sftp has the one for folders of other hosts."
	case scheme == "rclone":
		hint = "A Go program names the kinds of its places: firn/store/rclone has this one."
	case hint == "":
		hint = "Name a folder"
		if len(forms) > 0 {
			hint += ", or another place: " + strings.Join(forms, ", ")
		}
		hint += fmt.Sprintf(". A folder of that name is ./%s.", shown)
	}
	return outcome.Usage(hint, "repository %q: firn has no places of the kind %s:", shown, scheme)
}

// insteadOf says what to use in place of a kind of place that other tools or the web have, "" for an unknown kind.
func insteadOf(scheme string) string {
	switch scheme {
	case "scp", "rsync":
		return "A folder of another host is sftp:user@host:/path: see docs/sftp.md."
	case "smb", "nfs", "ftp":
		return "Mount it and name the folder, or let rclone reach it: rclone:REMOTE:PATH, see docs/offsite.md."
	case "webdav", "dav", "davs":
		return "rclone reaches it: rclone:REMOTE:PATH, see docs/offsite.md."
	case "ssh":
		return "A folder of another host that has firn is ssh://user@host/path."
	case "http", "https", "s3a", "s3n", "s3s", "s4", "minio", "aws", "oss", "cos", "obs":
		return "A bucket is s3:https://host:port/bucket/prefix, or s3://bucket/prefix at Amazon."
	case "b2", "gs", "gcs", "swift", "r2":
		return "Use its S3 interface, s3:https://host:port/bucket/prefix: see docs/s3.md."
	case "azure", "abs":
		return "This store has no S3 interface, but rclone reaches it: rclone:REMOTE:PATH, see docs/offsite.md."
	case "rest":
		return "firn does not speak with restic's server. Name a folder, or a bucket: s3:https://host:port/bucket/prefix."
	case "restic", "borg":
		return "firn does not read the repositories of other tools: docs/migration.md has a way for their snapshots."
	case "local":
		return "Name the folder by its path alone."
	case "sqlite", "sqlite3":
		return "Name the folder or the bucket of the repository, not the database."
	}
	return ""
}

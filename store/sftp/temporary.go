package sftp

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"
)

// The folder and the files that writers use are those of package local, which cleans up after writers by SFTP, too.
const (
	temporaryFolder = ".tmp"
	temporaryPrefix = "put." // + random: the bytes of an object to be
	claimPrefix     = "claim."
)

// Clean removes the temporary files last written before olderThan, and no other file. A file of another program stays, even
// in the temporary folder.
func (s *Store) Clean(ctx context.Context, olderThan time.Time) (removed int, err error) {
	err = s.call(ctx, func(n *session) error {
		infos, err := s.readFolder(ctx, n, temporaryFolder)
		if isAbsent(err) {
			return s.checkRoot(n)
		}
		for _, info := range infos {
			if err := ctx.Err(); err != nil {
				return err
			}
			if !isLeftOver(info, olderThan) {
				continue
			}
			s.traffic.deletes.Add(1)
			err := n.client.Remove(s.path(path.Join(temporaryFolder, info.Name())))
			if err == nil {
				removed++
			} else if !isAbsent(err) {
				return err
			}
		}
		return err // of reading the folder
	})
	if err != nil {
		return removed, fmt.Errorf("clean %s: %w", s.opts.Location, explainAnswer(err))
	}
	return removed, nil
}

func isLeftOver(info fs.FileInfo, olderThan time.Time) bool {
	ours := strings.HasPrefix(info.Name(), temporaryPrefix) || strings.HasPrefix(info.Name(), claimPrefix)
	return ours && info.Mode().IsRegular() && info.ModTime().Before(olderThan)
}

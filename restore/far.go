package restore

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"

	"firn/config"
	"firn/pull"
	"firn/repo"
	"firn/site"
	"firn/snapshot"
	"firn/sqlite"
)

// far is a target on another host. The agent there does what touches the target; the image is fetched, checked and scrubbed on
// this host, and only the pages in which the target differs are sent.
type far struct {
	host    *pull.Host
	path    string        // on the other host
	restore *pull.Restore // nil before the run
}

// reachFar names the target on another host.
func (op *Operation) reachFar(location string) error {
	host, path, err := op.s.Reach(location)
	if err != nil {
		return err
	}
	op.far, op.path = &far{host: host, path: path}, location
	return nil
}

// inspectFar looks at the target by its agent.
func (op *Operation) inspectFar(ctx context.Context) error {
	answer, err := op.far.host.Target(ctx, op.far.path, op.options.Wait)
	if err != nil {
		return refuseTarget(err)
	}
	op.target = &target{exists: answer.Exists, missing: answer.Missing, size: answer.Size, modified: answer.Modified}
	if op.target.broken = answer.BrokenError(); op.target.broken != nil {
		return op.refuseBroken(op.target.broken)
	}
	if !answer.Exists {
		return nil
	}
	i := answer.Image
	op.target.info = sqlite.Info{
		PageSize: i.PageSize, PageCount: i.PageCount, Size: i.Size, JournalMode: i.JournalMode,
		UserVersion: i.UserVersion, ApplicationID: i.ApplicationID, SchemaHash: i.SchemaHash,
	}
	return op.checkPageSize()
}

// begin claims the target, until the end.
func (f *far) begin(ctx context.Context, op *Operation) (err error) {
	f.restore, err = f.host.BeginRestore(ctx, f.path, op.options.Wait)
	if err != nil {
		return fmt.Errorf("%s %s: %w", op.command(), op.path, err)
	}
	return nil
}

// end lets go of the target.
func (f *far) end() {
	if f.restore != nil {
		f.restore.Close()
		f.restore = nil
	}
}

// source returns the target as a source of backups.
func (op *Operation) targetSource(o sqlite.Options) repo.Source {
	if op.far != nil {
		return op.far.host.Source(op.far.path, o)
	}
	return site.Source(op.path, o)
}

// fetchFar puts the image into a private file on this host.
func (op *Operation) fetchFar(ctx context.Context) (*site.Staged, error) {
	name := config.DefaultDatabaseName(op.far.path)
	return site.StageApart("", name, op.source.Image().Size, func(f *os.File) error { return op.s.CopyImage(ctx, op.source, f) })
}

// replaceFar makes the target equal to the image.
func (op *Operation) replaceFar(ctx context.Context, image *site.Staged) (*sqlite.RestoreResult, error) {
	file, err := image.Open()
	if err != nil {
		return nil, err
	}
	defer file.Close() // it was only read
	request, keep, err := op.stageRequest(file)
	if err != nil {
		return nil, err
	}
	if err := op.far.restore.Send(file, request); err != nil {
		return nil, fmt.Errorf("restore %s: %w", op.path, err)
	}
	answer, err := op.far.restore.Replace(func() error { return op.saveAgain(ctx) })
	if err != nil {
		return nil, fmt.Errorf("restore %s: %w", op.path, err)
	}
	if answer.Warning != "" {
		op.s.Warn("%s: %s", op.path, answer.Warning)
	}
	if keep != "" {
		op.kept = op.path + keep
		op.s.Note("Kept what was there as %s", op.kept)
	}
	return &sqlite.RestoreResult{Method: answer.Method, PagesWritten: answer.PagesWritten, PageCount: answer.PageCount}, nil
}

// stageRequest describes the image in a file, which may have been scrubbed, and says what becomes of a broken target.
func (op *Operation) stageRequest(file *os.File) (q pull.StageRequest, keep string, err error) {
	info, err := file.Stat()
	if err != nil {
		return q, "", err
	}
	size, err := pageSizeOf(file)
	if err != nil {
		return q, "", err
	}
	if op.target.broken != nil {
		keep = op.keepName()
	}
	return pull.StageRequest{
		PageSize: size, PageCount: info.Size() / int64(size), Offline: op.options.Offline || op.stops(),
		New: op.target.missing, KeepAs: keep, Access: op.farAccess(),
	}, keep, nil
}

// pageSizeOf returns the page size in the header of a database: 2 bytes from byte 16 on, where 1 stands for 65,536
// (https://sqlite.org/fileformat2.html#page_size).
func pageSizeOf(file io.ReaderAt) (int, error) {
	var b [2]byte
	if _, err := file.ReadAt(b[:], 16); err != nil {
		return 0, fmt.Errorf("read the header of the image: %w", err)
	}
	if n := int(binary.BigEndian.Uint16(b[:])); n != 1 {
		return n, nil
	}
	return 1 << 16, nil
}

// farAccess returns the access of the lost database, as the newest snapshot says that was pulled from its host: the numbers are
// those of users there. It is nil if there is none, as for a clone.
func (op *Operation) farAccess() *snapshot.Access {
	if op.env == nil || op.target.exists {
		return nil
	}
	for _, s := range op.known.All {
		if s.Environment == op.env.Name && s.Database == op.env.DatabaseName && s.Image().Access != nil {
			return s.Image().Access
		}
	}
	return nil
}

// appeared is the error of a target that was not there when it was looked at.
func (op *Operation) appeared() error {
	return fmt.Errorf("restore %s: it was not there a moment ago: %w", op.path, fs.ErrExist)
}

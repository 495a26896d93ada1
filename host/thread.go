package host

// Thread is a thread of the operating system that works in one [Folder], with the rights of the folder's user. The
// folder is the root of all paths, so that no name leads out of it. A nil Thread runs functions as they are. It is
// safe for concurrent use; functions run one after the other.
//
// Any goroutine can use a file that a function has opened. A goroutine that a function starts runs outside of the
// thread: with the process's own rights and paths.
type Thread struct {
	rights *Rights // nil for the process's own
	work   chan func()
	ended  chan struct{}
}

// Thread starts a thread that works in the folder. The caller closes it.
func (f *Folder) Thread() (*Thread, error) {
	if f.root == nil {
		return nil, nil
	}
	dir, err := f.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close() // the thread keeps it by being in it
	return newThread(f.rights, dir)
}

// Do runs a function on the thread and returns its error. An error about permissions is a [RightsError] if the thread
// has other rights than the process.
func (t *Thread) Do(f func() error) (err error) {
	if t == nil {
		return f()
	}
	done := make(chan struct{})
	t.work <- func() {
		defer close(done)
		err = f()
	}
	<-done
	return t.rights.explain(err)
}

// Close ends the thread, after the running function.
func (t *Thread) Close() {
	if t != nil {
		close(t.work)
		<-t.ended
	}
}

// run runs functions until the thread is closed.
func (t *Thread) run() {
	for f := range t.work {
		f()
	}
}

// Outside runs a function with the process's own rights and paths, and waits for it. A function on a [Thread] calls
// it to work outside of the thread's folder.
func Outside(f func() error) error {
	done := make(chan error)
	go func() { done <- f() }()
	return <-done
}

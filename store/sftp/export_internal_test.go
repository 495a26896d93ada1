package sftp

// LimitNames sets how many bytes of names and attributes a folder may have.
func (s *Store) LimitNames(bytes int64) { s.mostNames = bytes }

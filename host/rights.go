package host

// Rights are the rights to files that a process of one user has: Linux keeps them for each thread.
type Rights struct {
	UID, GID int   // of files that are made
	Groups   []int // all that the user is a member of
}

// nobody is the user who owns nothing, and the group that has no members: Linux uses it for identities that it cannot
// show.
const nobody = 65534

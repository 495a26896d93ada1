// Package host is what firn knows of the machine's users and of the paths that they can change.
//
// A file that firn believes, such as its configuration, is only as trustworthy as the folders and links that lead to it:
// [Open] opens one that only the caller and root can have written.
//
// firn usually runs as the superuser, and the databases are in folders of the applications' users. Such a user is trusted
// with its own database and with nothing else. So in a folder that another user can write, work on files is done with that
// user's rights: [Reach] finds the folder and those rights, and a [Thread] has them. docs/threats.md says
// what is promised.
package host

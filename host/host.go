// Package host knows the machine's users and the paths that they can change.
//
// A file that firn believes, such as its configuration, is only as trustworthy as the folders and links that lead to it:
// [Open] opens a file only if none but the caller and root can have written it.
//
// firn usually runs as the superuser, and the databases are in folders of the applications' users. Such a user is trusted
// with its own database only. So in a folder that another user can write, firn works on files with that user's rights:
// [Reach] finds the folder and the rights, and a [Thread] has them. docs/threats.md gives the promises.
package host

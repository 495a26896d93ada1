/* Executes SQL with the C library of the system: another version of SQLite than firn's, and faster. See workload_test.go
** for the lines that it reads. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNS 8

static void open_conn(sqlite3 **c, const char *name) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI;
  while (sqlite3_open_v2(name, c, flags, 0) != SQLITE_OK) {
    sqlite3_close(*c);
    usleep(1000);
  }
  sqlite3_busy_timeout(*c, 2000);
}

int main(void) {
  static char line[1 << 16];
  sqlite3 *conn[CONNS] = {0};
  while (fgets(line, sizeof line, stdin)) {
    char *text = line + 3;
    int n = atoi(line + 1) % CONNS;
    line[strcspn(line, "\n")] = 0;
    switch (line[0]) {
    case 'o': open_conn(&conn[n], text); break;
    case 'c': sqlite3_close(conn[n]); conn[n] = 0; break;
    case 's': usleep(1000 * atoi(text)); break;
    case 'k': sqlite3_exec(conn[n], text, 0, 0, 0); break;
    case 'x':
      sqlite3_exec(conn[n], text, 0, 0, 0);
      if (!sqlite3_get_autocommit(conn[n])) sqlite3_exec(conn[n], "ROLLBACK", 0, 0, 0);
    }
  }
  return 0;
}

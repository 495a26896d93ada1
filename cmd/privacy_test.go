package cmd_test

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/minio/minio-go/v7"

	"firn/cmd"
	"firn/internal/s3test"
)

// The secrets are parts of a database, its path and its configuration. They are
// words that do not occur anywhere by chance.
const (
	secretTable  = "quaxtolimperTabelle"
	secretColumn = "vrendomiskaSpalte"
	secretText   = "zwölfBoxkämpferJagenViktor"
	secretTag    = "plundrikofEtikett"
	secretEnv    = "hjomvarestUmgebung"
	secretName   = "xanduviroBank"
	secretFile   = "kvalenspirDatei"
	secretFolder = "omprestlifOrdner"
)

func secrets() []string {
	return []string{secretTable, secretColumn, secretText, secretTag, secretEnv, secretName, secretFile, secretFolder}
}

// secretRepo is a repository of a database with the secrets.
type secretRepo struct {
	dir, location string
}

// newSecretRepo backs the database up twice, both page by page and compact.
func newSecretRepo(t *testing.T, database, location, s3 string) *secretRepo {
	t.Helper()
	p := &secretRepo{t.TempDir(), location}
	config := fmt.Sprintf(`repository = %[1]q
key_file = "key"
[env.%[2]s]
database = %[3]q
name = %[4]q
tags = [%[5]q]
[env.%[2]s-2]
database = %[3]q
export = "compact"
%[6]s`, location, secretEnv, database, secretName, secretTag, s3)
	if err := os.WriteFile(filepath.Join(p.dir, "firn.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p.firn(t, "init")
	for range 2 {
		p.firn(t, "backup", "--all", "--force-scan")
	}
	return p
}

func (p *secretRepo) firn(t *testing.T, args ...string) {
	t.Helper()
	var said bytes.Buffer
	args = append(args, "--config", filepath.Join(p.dir, "firn.toml"), "--cache-dir", filepath.Join(p.dir, "cache"))
	if code := cmd.Run(t.Context(), args, cmd.Streams{In: strings.NewReader(""), Out: &said, Err: &said}); code != 0 {
		t.Fatalf("firn %q: exit code %d\n%s", args, code, &said)
	}
}

// secretDatabase makes a database with the secrets, and returns its path.
func secretDatabase(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), secretFolder)
	path := filepath.Join(folder, secretFile+".db")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = db.Exec(fmt.Sprintf(`CREATE TABLE %[1]s(%[2]s); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500)
		INSERT INTO %[1]s SELECT '%[3]s' || hex(randomblob(50)) FROM n`, secretTable, secretColumn, secretText))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// filesBelow returns the contents of all files below a folder, by their paths.
func filesBelow(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("read %s: %d files, %v", dir, len(files), err)
	}
	return files
}

// wantNoTrace fails the test if the name or the content of a file contains a
// secret.
func wantNoTrace(t *testing.T, where string, files map[string][]byte) {
	t.Helper()
	for name, content := range files {
		for _, secret := range secrets() {
			if form := findSecret(append([]byte(name+"\n"), content...), secret); form != "" {
				t.Errorf("%s: %s shows %s in %s", where, name, secret, form)
			}
		}
	}
}

// findSecret returns the spelling in which a secret occurs, or "".
func findSecret(b []byte, secret string) string {
	little, big := new(bytes.Buffer), new(bytes.Buffer)
	_ = binary.Write(little, binary.LittleEndian, utf16.Encode([]rune(secret))) // writing to a buffer never fails
	_ = binary.Write(big, binary.BigEndian, utf16.Encode([]rune(secret)))
	plain := []byte(secret)
	forms := map[string][]byte{
		"UTF-8": plain, "UTF-16LE": little.Bytes(), "UTF-16BE": big.Bytes(),
		"hex": []byte(hex.EncodeToString(plain)), "HEX": []byte(strings.ToUpper(hex.EncodeToString(plain))),
		"lower case": bytes.ToLower(plain),
	}
	for shift := range 3 { // base64 depends on the offset modulo 3, except at the ends
		text := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), plain...))
		forms[fmt.Sprint("base64 ", shift)] = []byte(text[4 : len(text)-2])
	}
	for form, spelt := range forms {
		if bytes.Contains(b, spelt) {
			return form
		}
	}
	return ""
}

// TestFindSecret proves that findSecret finds every spelling.
func TestFindSecret(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		secretTag, strings.ToLower(secretTag), hex.EncodeToString([]byte(secretTag)),
		base64.StdEncoding.EncodeToString([]byte(`["` + secretTag + `"]`)),
		base64.StdEncoding.EncodeToString([]byte(`x` + secretTag)), "p\x00l\x00u\x00n\x00d\x00r\x00i\x00k\x00o\x00f\x00E\x00t\x00i\x00k\x00e\x00t\x00t\x00",
	} {
		if findSecret([]byte("before "+text+" after"), secretTag) == "" {
			t.Errorf("%q is not found", text)
		}
	}
	if findSecret([]byte(secretTable), secretTag) != "" {
		t.Error("found what is not there")
	}
}

// grammar is the grammar of all object names, from docs/format.md, section 1.
var grammar = regexp.MustCompile(`^(meta/(config|key-[0-9a-f]{16}|snap-[0-9a-f]{16}-[0-9a-f]{32}|part-[0-9a-f]{16}-[0-9a-f]{32}|gc-[0-9a-f]{12}-[0-9a-f]{32}|round-[0-9a-f]{32}|(gone|alive)-[0-9a-f]{32})|packs/[0-9a-f]{2}/[0-9a-f]{32})$`)

// TestPrivacy searches the store and the cache for facts that a reader of the
// store or a thief of the cache must not learn. It does so in a folder and in a
// bucket.
func TestPrivacy(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, s3test.Options{})
	database := secretDatabase(t)
	wantTrace(t, database)
	keys := t.TempDir()
	for name, key := range map[string]string{"id": server.AccessKey, "secret": server.SecretKey} {
		if err := os.WriteFile(filepath.Join(keys, name), []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder, bucket := filepath.Join(t.TempDir(), "repo"), filepath.Join(server.Dir, server.Bucket, "repo")
	s3 := fmt.Sprintf("[s3]\naccess_key_file = %q\nsecret_key_file = %q\n", filepath.Join(keys, "id"), filepath.Join(keys, "secret"))
	var all []map[string][]byte
	for dir, p := range map[string]*secretRepo{
		folder: newSecretRepo(t, database, folder, ""),
		bucket: newSecretRepo(t, database, server.Location("repo"), s3),
	} {
		objects := filesBelow(t, dir)
		wantNoTrace(t, p.location, objects)
		wantNoTrace(t, "cache of "+p.location, filesBelow(t, filepath.Join(p.dir, "cache")))
		wantNames(t, objects)
		wantNoHost(t, objects)
		all = append(all, objects)
	}
	wantNothingInCommon(t, all[0], all[1])
	wantNoMetadata(t, server)
}

// wantTrace checks that the database contains the secrets in the clear.
func wantTrace(t *testing.T, database string) {
	t.Helper()
	content, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{secretTable, secretColumn, secretText} {
		if findSecret(content, secret) == "" {
			t.Fatalf("%s is not in the database", secret)
		}
	}
}

func wantNames(t *testing.T, objects map[string][]byte) {
	t.Helper()
	for name := range objects {
		if !grammar.MatchString(name) {
			t.Errorf("%s is no name of an object", name)
		}
		if folder, rest, ok := strings.Cut(strings.TrimPrefix(name, "packs/"), "/"); ok && strings.HasPrefix(name, "packs/") && !strings.HasPrefix(rest, folder) {
			t.Errorf("%s is in a folder that is not its own", name)
		}
	}
}

// wantNoHost searches for this machine's name, which only the labels of keys may
// contain.
func wantNoHost(t *testing.T, objects map[string][]byte) {
	t.Helper()
	host, err := os.Hostname()
	if err != nil || len(host) < 6 {
		return // a short name would occur by chance
	}
	objects = maps.Clone(objects)
	maps.DeleteFunc(objects, func(name string, _ []byte) bool { return strings.HasPrefix(name, "meta/key-") })
	for name, content := range objects {
		if form := findSecret(content, host); form != "" {
			t.Errorf("%s shows the host's name in %s", name, form)
		}
	}
}

// headerSize is the size of the constant header of sealed objects, in bytes.
const headerSize = 16

// wantNothingInCommon compares two repositories of the same data. They must
// share neither names nor bytes, except those that are in the clear.
func wantNothingInCommon(t *testing.T, a, b map[string][]byte) {
	t.Helper()
	const same = 16
	seen := make(map[[same]byte]string)
	for name, content := range sealed(a) {
		if _, ok := b[name]; ok {
			t.Errorf("both have an object %s", name)
		}
		for i := headerSize; i+same <= len(content); i++ {
			seen[[same]byte(content[i:])] = name
		}
	}
	for name, content := range sealed(b) {
		for i := headerSize; i+same <= len(content); i++ {
			if other, ok := seen[[same]byte(content[i:])]; ok {
				t.Fatalf("%s and %s have bytes in common, at %d", name, other, i)
			}
		}
	}
	if len(seen) == 0 {
		t.Error("there is nothing to compare")
	}
}

// sealed returns the objects without the configuration and the key slots, which
// are JSON.
func sealed(objects map[string][]byte) map[string][]byte {
	objects = maps.Clone(objects)
	maps.DeleteFunc(objects, func(name string, _ []byte) bool {
		return name == "meta/config" || strings.HasPrefix(name, "meta/key-")
	})
	return objects
}

// wantNoMetadata checks the metadata of the objects in a bucket. Each object
// must have a random text, and nothing else that firn has added.
func wantNoMetadata(t *testing.T, server *s3test.Server) {
	t.Helper()
	client, marks := server.Client(t), make(map[string]bool)
	for o := range client.ListObjectsIter(t.Context(), server.Bucket, minio.ListObjectsOptions{Recursive: true}) {
		info, err := client.StatObject(t.Context(), server.Bucket, o.Key, minio.StatObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for key, mark := range info.UserMetadata {
			if !strings.EqualFold(key, "Firn-Put") || len(mark) != 26 || marks[mark] {
				t.Errorf("%s has the entry %s: %s", o.Key, key, mark)
			}
			marks[mark] = true
		}
		if info.ContentType != "application/octet-stream" || info.UserTagCount > 0 {
			t.Errorf("%s is %s with %d tags", o.Key, info.ContentType, info.UserTagCount)
		}
		if text := fmt.Sprint(info.Metadata); secretIn(text) {
			t.Errorf("%s shows a secret: %s", o.Key, text)
		}
	}
	if len(marks) == 0 {
		t.Error("no object was looked at")
	}
}

func secretIn(text string) bool {
	for _, secret := range secrets() {
		if findSecret([]byte(text), secret) != "" {
			return true
		}
	}
	return false
}

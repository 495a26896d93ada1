package browse

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"firn/sqlite"
)

// errKey is the error of a key that [Page] did not make.
var errKey = fmt.Errorf("%w: it is no key of a row", sqlite.ErrSQL)

// EncodeKey returns the values of a key as a text for a URL, "" if they are none of a key. Each begins with the letter of its type; texts and blobs are in base
// 64, since they may be any bytes.
func EncodeKey(values []any) string {
	parts := make([]string, len(values))
	for i, value := range values {
		switch x := value.(type) {
		case int64:
			parts[i] = "i" + strconv.FormatInt(x, 10)
		case float64:
			parts[i] = "r" + strconv.FormatFloat(x, 'g', -1, 64)
		case string:
			parts[i] = "t" + base64.RawURLEncoding.EncodeToString([]byte(x))
		case []byte:
			parts[i] = "b" + base64.RawURLEncoding.EncodeToString(x)
		default:
			return "" // a key has no NULL
		}
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// DecodeKey reads what [EncodeKey] wrote. The error matches [sqlite.ErrSQL].
func DecodeKey(key string) (values []any, err error) {
	text, err := base64.RawURLEncoding.DecodeString(key)
	var parts []string
	if err != nil || json.Unmarshal(text, &parts) != nil {
		return nil, errKey
	}
	for _, part := range parts {
		value, err := decodePart(part)
		if err != nil {
			return nil, errKey
		}
		values = append(values, value)
	}
	return values, nil
}

func decodePart(part string) (any, error) {
	if part == "" {
		return nil, errKey
	}
	switch rest := part[1:]; part[0] {
	case 'i':
		return strconv.ParseInt(rest, 10, 64)
	case 'r':
		return strconv.ParseFloat(rest, 64)
	case 't':
		b, err := base64.RawURLEncoding.DecodeString(rest)
		return string(b), err
	case 'b':
		return base64.RawURLEncoding.DecodeString(rest)
	}
	return nil, errKey
}

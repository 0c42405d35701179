package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A transcript is a conversation as an identity provider has it with a SCIM server, and what the user pool must hold in
// between. testdata/transcripts has one folder a provider and one file a flow; a provider's new quirk becomes one more
// file, never Go code. A line begins with what it is; lines that begin with none of these marks are the body of the
// line above, as they are sent or expected.
//
//	# for the reader; [Okta row 7] cites a row of testdata/transcripts/README.md
//	* Name: value             a header of every request from here on; a folder's file "headers" holds its client's own.
//	                          Content-Type goes along with bodies only; a name without value takes the header back
//	> PUT /Users/{ada}        a request, below /scim/v2, byte for byte as the client encodes it
//	> Name: value             a header of this request alone
//	{"active": false}         its body; or, for clients that send back what they have read,
//	last answer + {…}         the last answer's body with these members laid over it (null removes one)
//	< 200                     the status of the answer
//	< Name: value             a header of the answer
//	{"id": "{=ada}"}          what its body must hold (see below)
//	= calls AdminEnableUser 1 the calls that the last request made of Cognito, all of them; or: = calls none
//	                          (DescribeUserPool does not count: no request makes it, the server does now and then)
//	= user ada@a.example {…}  what the pool says of a user: enabled, status, attributes
//	= group Staff {…}         … of a group: description, and members, which are Usernames in alphabetical order
//	= no user ada@a.example   … and that there is none
//	= no group Staff
//	! AdminDeleteUser {…}     somebody else calls Cognito; UserPoolId is filled in, and "! 200 AdminCreateUser {…}" makes
//	                          200 calls, with # counting from 1. Before the first request it is what the server finds
//	! fault {…}               Cognito fails from now on, as emulator.Fault says; "! no faults" ends it
//	! grants [{…}]            the server is configured so, as bridge.Grant says; before the first request
//	~ 10m                     time passes
//
// Every name that an expected object holds must be there and be equal; what it does not name may be anything. Lists are
// equal when they have the same length and equal elements in the same order, which for members and groups is that of
// their "value". Inside expected strings:
//
//	"..."       any text; alone, any value        "Retry in ... s" any text in its place
//	"{=ada}"    any text, called {ada} from here on, in every mark's lines; no two names may get the same text
//	"(absent)"  the name is not there             "(integer)" a whole number
//
// An attribute or Description that holds a JSON object is compared as one. {* 1-256 {"value": "{user#}"} *} stands for 256
// times what is in it, with commas in between, # counting.
//
// What holds for every answer is not written down but always checked; see replay.law.

const transcripts = "testdata/transcripts"

func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(transcripts, "*", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d transcripts (%v), want some", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(file), transcripts+"/"), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			headers, err := os.ReadFile(filepath.Join(filepath.Dir(file), "headers"))
			if err != nil {
				t.Fatal(err)
			}
			story, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range replayed(t, string(headers), string(story)) {
				t.Errorf("%s:%d: %s", file, c.line, c.text)
			}
		})
	}
}

// cited are the references in a file's comments: [Okta row 7, Okta row 8].
var cited = regexp.MustCompile(`^#.*?\[([^\]]+)\]`)

// indexRow matches the lines of README.md's tables: a reference, and what is known about it.
var indexRow = regexp.MustCompile(`(?m)^\| ((?:Okta|Entra|Other) [^|]*?) \| (.*) \|$`)

// Everything that is known about a client is replayed, or README.md says why not.
func TestEveryKnownQuirkIsReplayed(t *testing.T) {
	t.Parallel()
	index, err := os.ReadFile(filepath.Join(transcripts, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	replayable := map[string]bool{} // by reference
	for _, row := range indexRow.FindAllSubmatch(index, -1) {
		replayable[string(row[1])] = !bytes.Contains(row[2], []byte("Not replayed:"))
	}
	if len(replayable) == 0 {
		t.Fatal("got no rows in README.md, want some")
	}
	found := citations(t)
	for reference, file := range found {
		if _, there := replayable[reference]; !there {
			t.Errorf("%s cites %q, which is not among the rows of README.md", file, reference)
		}
	}
	for reference, want := range replayable {
		if file := found[reference]; (file != "") != want {
			t.Errorf("%s: replayed in %q, want a transcript: %v", reference, file, want)
		}
	}
}

// citations returns a transcript for each reference that any of them cites.
func citations(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(transcripts, "*", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, file := range files {
		story, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		some := false
		for line := range strings.Lines(string(story)) {
			m := cited.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			for reference := range strings.SplitSeq(m[1], ",") {
				found[strings.TrimSpace(reference)] = file
				some = true
			}
		}
		if !some {
			t.Errorf("%s cites nothing: say where it is from, in the form [Okta row 7]", file)
		}
	}
	return found
}

// block is a marked line of a transcript with the lines of its body.
type block struct {
	line int // its number, from 1
	mark byte
	head string // the rest of the line
	body string // trimmed; "" when there is none
}

const marks = "#*><=!~"

// blocks splits a transcript. Text that no mark explains is an error.
func blocks(story string) (all []block, err error) {
	lines := bufio.NewScanner(strings.NewReader(story))
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimRight(lines.Text(), " \t")
		switch {
		case text != "" && strings.IndexByte(marks, text[0]) >= 0 && (len(text) == 1 || text[1] == ' '):
			all = append(all, block{line: n, mark: text[0], head: strings.TrimSpace(text[1:])})
		case len(all) == 0 && text != "":
			return nil, fmt.Errorf("line %d: a body, but nothing that it belongs to", n)
		case len(all) > 0:
			all[len(all)-1].body += text + "\n"
		}
	}
	for i := range all {
		b := &all[i]
		if b.body = strings.TrimSpace(b.body); b.body != "" && strings.IndexByte("#*~", b.mark) >= 0 {
			return nil, fmt.Errorf("line %d: a line marked %c has no body", b.line, b.mark)
		}
	}
	return all, lines.Err()
}

// repeated is {* 1-256 … *}, and placeholder is {ada}.
var (
	repeated    = regexp.MustCompile(`(?s)\{\* (\d+)-(\d+) (.*?) \*\}`)
	placeholder = regexp.MustCompile(`\{([a-z][A-Za-z0-9]*)\}`)
)

// expand writes out repetitions.
func expand(text string) string {
	return repeated.ReplaceAllStringFunc(text, func(s string) string {
		m := repeated.FindStringSubmatch(s)
		var from, to int
		if _, err := fmt.Sscan(m[1]+" "+m[2], &from, &to); err != nil {
			return s // too large a number; whatever reads the text complains
		}
		var each []string
		for n := from; n <= to; n++ {
			each = append(each, strings.ReplaceAll(m[3], "#", fmt.Sprint(n)))
		}
		return strings.Join(each, ", ")
	})
}

// fillIn puts in what names stand for. unknown are the names that stand for nothing.
func fillIn(text string, names map[string]string) (filled string, unknown []string) {
	filled = placeholder.ReplaceAllStringFunc(expand(text), func(s string) string {
		v, known := names[s[1:len(s)-1]]
		if !known {
			unknown = append(unknown, s)
			return s
		}
		return v
	})
	slices.Sort(unknown)
	return filled, slices.Compact(unknown)
}

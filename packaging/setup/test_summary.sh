# shellcheck shell=bash
# What a run of the tests amounts to, counted in test cases. ctest's own last line counts programs
# that end well, so it says 100 % even where most cases of one were skipped.

# sum_up_tests FILE: reads what `ctest --output-junit FILE` wrote and prints every distinct reason
# for a skip with its count, what ended before its last case, and, as the last line, the cases that
# passed, failed and were skipped. A case is a function of a Qt test or one row of its data (not
# initTestCase and cleanupTestCase), or one line "PASS name" of a program without Qt; an entry that
# reports no cases is one itself.
sum_up_tests() {
    if [[ ! -s $1 ]]; then
        printf 'Test cases: not counted, since ctest wrote no results.\n'
        return
    fi
    LC_ALL=C awk '
        function decoded(text) {
            gsub(/&lt;/, "<", text)
            gsub(/&gt;/, ">", text)
            gsub(/&quot;/, "\"", text)
            gsub(/&apos;/, "'"'"'", text)
            gsub(/&amp;/, "\\&", text)
            return text
        }
        function attribute(line, name) {
            if (!match(line, " " name "=\"[^\"]*\"")) return ""
            return decoded(substr(line, RSTART + length(name) + 3, RLENGTH - length(name) - 4))
        }
        # "Class::function(row)" at the beginning of `text`; the name of a row may hold brackets.
        function case_of(text,    depth, i, c) {
            for (i = index(text, "("); i > 0 && i <= length(text); ++i) {
                c = substr(text, i, 1)
                if (c == "(") ++depth
                if (c == ")" && --depth == 0) return substr(text, 1, i)
            }
            return text
        }
        function skip(reason) {
            ++skipped
            ++entry_cases
            entry_skips = 1
            ++reasons[reason == "" ? "no reason given" : reason]
        }
        function fail() {
            ++failed
            ++entry_cases
            entry_failed = 1
        }
        function qt_line(line,    name, word) {
            if (line ~ /^\*+ Finished testing of /) --qt_open
            if (line !~ /^(PASS  |FAIL! |XPASS |SKIP  ) *: [A-Za-z0-9_:]+\(/) return
            word = substr(line, 1, 4)
            sub(/^[^:]*: /, "", line)
            name = case_of(line)
            if (word == "SKIP") {
                skip(substr(line, length(name) + 2))
            } else if (word == "PASS") {
                if (name ~ /::(initTestCase|cleanupTestCase)\(\)$/) return
                ++passed
                ++entry_cases
            } else if (!((entry, name) in failures)) { # a case may fail in several lines
                failures[entry, name] = 1
                fail()
            }
        }
        function plain_line(line) {
            if (line ~ /^(PASS|ok) +[^ ]/) {
                ++passed
                ++entry_cases
            } else if (line ~ /^FAIL +[^ ]/) {
                fail()
            } else if (line ~ /^SKIP(:| )/) {
                # "SKIP: why", "SKIP  name: why" or "SKIP name   0.0 s  why".
                if (!sub(/^SKIP +[^:]* [0-9.]+ s  /, "", line)) sub(/^SKIP *[^ :]*: /, "", line)
                skip(line)
            }
        }
        function output_line(line) {
            line = decoded(line)
            if (line ~ /^\*+ Start testing of /) {
                is_qt = 1
                ++qt_open
            } else if (is_qt) {
                qt_line(line)
            } else {
                plain_line(line)
            }
        }
        function end_entry() {
            if (status == "disabled") {
                skip("disabled in the build")
            } else if (status == "notrun" && message ~ /^SKIP_/) {
                if (!entry_skips) skip(entry ": " message)
            } else if (status == "notrun") {
                fail()
                early[++early_count] = entry " did not start"
            } else if (qt_open > 0 || (status == "fail" && !entry_failed)) {
                if (!entry_failed) fail()
                early[++early_count] = entry
            } else if (entry_cases == 0) {
                ++passed
            }
            ++entries
            entries_with_skips += entry_skips
        }
        /^\t<testcase / {
            entry = attribute($0, "name")
            status = attribute($0, "status")
            message = ""
            is_qt = qt_open = entry_cases = entry_failed = entry_skips = in_output = 0
            next
        }
        !in_output && /^\t\t<(skipped|failure) / { message = attribute($0, "message"); next }
        !in_output && /^\t<\/testcase>/ { end_entry(); next }
        /^\t\t<system-out>/ { in_output = 1; sub(/^\t\t<system-out>/, "") }
        in_output {
            is_last = sub(/<\/system-out>$/, "")
            output_line($0)
            if (is_last) in_output = 0
        }
        END {
            print ""
            if (entries == 0) {
                print "Test cases: none ran."
                exit
            }
            if (skipped > 0) print "Skipped, by reason:"
            fflush()
            sorted = "sort -k1,1nr -k2"
            for (reason in reasons) printf "%7d  %s\n", reasons[reason], reason | sorted
            close(sorted)
            if (early_count > 0) print "Ended before the last case (crash, time limit, exit code):"
            for (i = 1; i <= early_count; ++i) printf "         %s\n", early[i]
            printf "Test cases: %d passed, %d failed, %d skipped", passed, failed, skipped
            if (skipped > 0) printf " in %d", entries_with_skips
            printf "%s %d entries.\n", (skipped > 0 ? " of" : " in"), entries
        }' "$1"
}

# run_tests BUILD ARGUMENTS...: runs ctest in the build folder, sums up and ends with ctest's exit
# code. A signal goes on to ctest, which a dying shell would leave behind.
run_tests() {
    local build results ctest status
    build=$(cd "$1" && pwd -P) || return
    results=$build/test-results.xml
    shift
    rm -f "$results" # so that no earlier run is counted
    # ctest keeps 1 KiB of a program's output by default; the summary needs all of it.
    ctest --test-dir "$build" --no-tests=error --output-junit "$results" \
        --test-output-size-passed 1000000000 --test-output-size-failed 1000000000 "$@" </dev/null &
    ctest=$!
    trap 'kill -TERM "$ctest" 2>/dev/null' HUP INT TERM
    wait "$ctest"
    status=$?
    # A trapped signal ends wait early; ctest's own end is what counts.
    while kill -0 "$ctest" 2>/dev/null; do
        wait "$ctest"
        status=$?
    done
    trap - HUP INT TERM
    sum_up_tests "$results"
    return "$status"
}

;; Many pieces at once: 64 bytes are read into one bit each for the classes of ASCII, and where pieces end is told by these. A piece with
;; other characters, or at the end of a text, is cut as in cut.wat.

  (global $letters (mut i64) (i64.const 0))
  (global $capitals (mut i64) (i64.const 0))
  (global $digits (mut i64) (i64.const 0))
  (global $blanks (mut i64) (i64.const 0))
  (global $white (mut i64) (i64.const 0))
  (global $lineEnds (mut i64) (i64.const 0))
  (global $quotes (mut i64) (i64.const 0))
  ;; Bytes that are not ASCII, or 0, which stands behind a text
  (global $foreign (mut i64) (i64.const 0))

  ;; Reads 64 bytes from a place on, the lowest bit for the first
  (func $read (param $at i32)
    (local $from i32) (local $bytes v128) (local $found v128)
    (local $letters i64) (local $capitals i64) (local $digits i64) (local $blanks i64) (local $white i64) (local $lineEnds i64)
    (local $quotes i64) (local $foreign i64)
    (local.set $from (i32.add (local.get $at) (i32.const 48)))
    (loop $next
      (local.set $bytes (v128.load align=1 (local.get $from)))
      (local.set $letters (i64.or (i64.shl (local.get $letters) (i64.const 16)) (i64.extend_i32_u (i8x16.bitmask (i8x16.le_u
        (i8x16.sub
          (v128.or (local.get $bytes) (v128.const i32x4 0x20202020 0x20202020 0x20202020 0x20202020))
          (v128.const i32x4 0x61616161 0x61616161 0x61616161 0x61616161))
        (v128.const i32x4 0x19191919 0x19191919 0x19191919 0x19191919))))))
      (local.set $capitals (i64.or (i64.shl (local.get $capitals) (i64.const 16)) (i64.extend_i32_u (i8x16.bitmask (i8x16.le_u
        (i8x16.sub (local.get $bytes) (v128.const i32x4 0x41414141 0x41414141 0x41414141 0x41414141))
        (v128.const i32x4 0x19191919 0x19191919 0x19191919 0x19191919))))))
      (local.set $digits (i64.or (i64.shl (local.get $digits) (i64.const 16)) (i64.extend_i32_u (i8x16.bitmask (i8x16.le_u
        (i8x16.sub (local.get $bytes) (v128.const i32x4 0x30303030 0x30303030 0x30303030 0x30303030))
        (v128.const i32x4 0x09090909 0x09090909 0x09090909 0x09090909))))))
      (local.set $found (i8x16.eq (local.get $bytes) (v128.const i32x4 0x20202020 0x20202020 0x20202020 0x20202020)))
      (local.set $blanks (i64.or (i64.shl (local.get $blanks) (i64.const 16)) (i64.extend_i32_u (i8x16.bitmask (local.get $found)))))
      (local.set $white (i64.or (i64.shl (local.get $white) (i64.const 16)) (i64.extend_i32_u (i8x16.bitmask (v128.or
        (local.get $found)
        (i8x16.le_u
          (i8x16.sub (local.get $bytes) (v128.const i32x4 0x09090909 0x09090909 0x09090909 0x09090909))
          (v128.const i32x4 0x04040404 0x04040404 0x04040404 0x04040404)))))))
      (local.set $lineEnds (i64.or (i64.shl (local.get $lineEnds) (i64.const 16)) (i64.extend_i32_u (i8x16.bitmask (v128.or
        (i8x16.eq (local.get $bytes) (v128.const i32x4 0x0a0a0a0a 0x0a0a0a0a 0x0a0a0a0a 0x0a0a0a0a))
        (i8x16.eq (local.get $bytes) (v128.const i32x4 0x0d0d0d0d 0x0d0d0d0d 0x0d0d0d0d 0x0d0d0d0d)))))))
      (local.set $quotes (i64.or (i64.shl (local.get $quotes) (i64.const 16)) (i64.extend_i32_u (i8x16.bitmask
        (i8x16.eq (local.get $bytes) (v128.const i32x4 0x27272727 0x27272727 0x27272727 0x27272727))))))
      (local.set $foreign (i64.or (i64.shl (local.get $foreign) (i64.const 16)) (i64.extend_i32_u (i8x16.bitmask (v128.or
        (local.get $bytes)
        (i8x16.eq (local.get $bytes) (v128.const i32x4 0 0 0 0)))))))
      (local.set $from (i32.sub (local.get $from) (i32.const 16)))
      (br_if $next (i32.ge_s (local.get $from) (local.get $at))))
    (global.set $letters (local.get $letters))
    (global.set $capitals (local.get $capitals))
    (global.set $digits (local.get $digits))
    (global.set $blanks (local.get $blanks))
    (global.set $white (local.get $white))
    (global.set $lineEnds (local.get $lineEnds))
    (global.set $quotes (local.get $quotes))
    (global.set $foreign (local.get $foreign)))

  ;; Cuts [at, end) by GPT-2's pattern into at most so many pieces, whose ends it writes one after the other; returns where the last one ends.
  (func $cutGpt2 (param $at i32) (param $end i32) (param $ends i32) (param $most i32) (result i32)
    (local $stops i32) (local $from i64) (local $to i64) (local $run i64) (local $piece i32)
    (local $letters i64) (local $digits i64) (local $blanks i64) (local $white i64) (local $quotes i64) (local $foreign i64) (local $symbols i64)
    (local.set $stops (i32.add (local.get $ends) (i32.shl (local.get $most) (i32.const 2))))
    (block $done
      (loop $window
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (call $read (local.get $at))
        (local.set $letters (global.get $letters))
        (local.set $digits (global.get $digits))
        (local.set $blanks (global.get $blanks))
        (local.set $white (global.get $white))
        (local.set $quotes (global.get $quotes))
        (local.set $foreign (global.get $foreign))
        (local.set $symbols (i64.xor
          (i64.or
            (i64.or (local.get $letters) (local.get $digits))
            (i64.or (local.get $white) (local.get $foreign)))
          (i64.const -1)))
        (local.set $from (i64.const 0))
        (loop $piece
          (block $slow
            (block $beyond
              ;; A contraction begins with an apostrophe.
              (br_if $slow (i32.wrap_i64 (i64.and (i64.shr_u (local.get $quotes) (local.get $from)) (i64.const 1))))
              (local.set $to (i64.add
                (local.get $from)
                (i64.and (i64.shr_u (local.get $blanks) (local.get $from)) (i64.const 1))))
              (local.set $run (i64.shr_u
                (select
                  (local.get $letters)
                  (select
                    (local.get $digits)
                    (local.get $symbols)
                    (i32.wrap_i64 (i64.and (i64.shr_u (local.get $digits) (local.get $to)) (i64.const 1))))
                  (i32.wrap_i64 (i64.and (i64.shr_u (local.get $letters) (local.get $to)) (i64.const 1))))
                (local.get $to)))
              (if (i32.wrap_i64 (i64.and (local.get $run) (i64.const 1)))
                (then
                  (local.set $to (i64.add (local.get $to) (i64.ctz (i64.xor (local.get $run) (i64.const -1)))))
                  (br_if $beyond (i64.ge_u (local.get $to) (i64.const 64)))
                  (br_if $slow (i32.wrap_i64 (i64.and (i64.shr_u (local.get $foreign) (local.get $to)) (i64.const 1)))))
                (else
                  (local.set $run (i64.shr_u (local.get $white) (local.get $from)))
                  (br_if $slow (i64.eqz (i64.and (local.get $run) (i64.const 1))))
                  (local.set $run (i64.ctz (i64.xor (local.get $run) (i64.const -1))))
                  (local.set $to (i64.add (local.get $from) (local.get $run)))
                  (br_if $beyond (i64.ge_u (local.get $to) (i64.const 64)))
                  (br_if $slow (i32.wrap_i64 (i64.and (i64.shr_u (local.get $foreign) (local.get $to)) (i64.const 1))))
                  ;; The last one of many belongs to what follows.
                  (local.set $to (i64.sub (local.get $to) (i64.extend_i32_u (i64.gt_u (local.get $run) (i64.const 1)))))))
              (local.set $from (local.get $to))
              (local.set $piece (i32.add (local.get $at) (i32.wrap_i64 (local.get $to))))
              (i32.store (local.get $ends) (local.get $piece))
              (local.set $ends (i32.add (local.get $ends) (i32.const 4)))
              (if (i32.ge_u (local.get $ends) (local.get $stops)) (then (return (local.get $piece))))
              (br_if $piece (i64.lt_u (local.get $from) (i64.const 62)))
              (local.set $at (local.get $piece))
              (br $window))
            (br_if $slow (i64.eqz (local.get $from)))
            (local.set $at (i32.add (local.get $at) (i32.wrap_i64 (local.get $from))))
            (br $window))
          (local.set $piece (i32.add (local.get $at) (i32.wrap_i64 (local.get $from))))
          (br_if $done (i32.ge_u (local.get $piece) (local.get $end)))
          (local.set $piece (call $gpt2 (local.get $piece) (local.get $end)))
          (i32.store (local.get $ends) (local.get $piece))
          (local.set $ends (i32.add (local.get $ends) (i32.const 4)))
          (if (i32.ge_u (local.get $ends) (local.get $stops)) (then (return (local.get $piece))))
          (local.set $from (i64.extend_i32_u (i32.sub (local.get $piece) (local.get $at))))
          (br_if $piece (i64.lt_u (local.get $from) (i64.const 62)))
          (local.set $at (local.get $piece))
          (br $window))))
    (local.get $end))

  ;; The same by cl100k's pattern with numbers of so many digits, or by o200k's.
  (func $cutNewer
    (param $at i32) (param $end i32) (param $ends i32) (param $most i32) (param $cased i32) (param $longest i32) (result i32)
    (local $stops i32) (local $from i64) (local $to i64) (local $run i64) (local $piece i32)
    (local $letters i64) (local $capitals i64) (local $digits i64) (local $blanks i64) (local $white i64) (local $lineEnds i64)
    (local $quotes i64) (local $foreign i64) (local $symbols i64) (local $leads i64)
    (local.set $stops (i32.add (local.get $ends) (i32.shl (local.get $most) (i32.const 2))))
    (block $done
      (loop $window
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (call $read (local.get $at))
        (local.set $letters (global.get $letters))
        (local.set $digits (global.get $digits))
        (local.set $blanks (global.get $blanks))
        (local.set $white (global.get $white))
        (local.set $lineEnds (global.get $lineEnds))
        (local.set $quotes (global.get $quotes))
        (local.set $foreign (global.get $foreign))
        (local.set $capitals (global.get $capitals))
        (local.set $symbols (i64.xor
          (i64.or
            (i64.or (local.get $letters) (local.get $digits))
            (i64.or (local.get $white) (local.get $foreign)))
          (i64.const -1)))
        ;; What may stand in front of letters
        (local.set $leads (i64.or
          (local.get $symbols)
          (i64.and (local.get $white) (i64.xor (local.get $lineEnds) (i64.const -1)))))
        (local.set $from (i64.const 0))
        (loop $piece
          (block $slow
            (block $beyond
              (block $cut
                ;; A contraction begins with an apostrophe.
                (br_if $slow (i32.and
                  (i32.wrap_i64 (i64.shr_u (local.get $quotes) (local.get $from)))
                  (i32.xor (local.get $cased) (i32.const 1))))
                (local.set $to (i64.add
                  (local.get $from)
                  (i64.and (i64.shr_u (local.get $leads) (local.get $from)) (i64.const 1))))
                (local.set $run (i64.shr_u (local.get $letters) (local.get $to)))
                (if (i32.wrap_i64 (i64.and (local.get $run) (i64.const 1)))
                  (then
                    (if (local.get $cased)
                      (then
                        (local.set $to (i64.add
                          (local.get $to)
                          (i64.ctz (i64.xor (i64.shr_u (local.get $capitals) (local.get $to)) (i64.const -1)))))
                        (br_if $beyond (i64.ge_u (local.get $to) (i64.const 64)))
                        (local.set $run (i64.shr_u
                          (i64.and (local.get $letters) (i64.xor (local.get $capitals) (i64.const -1)))
                          (local.get $to)))))
                    (local.set $to (i64.add (local.get $to) (i64.ctz (i64.xor (local.get $run) (i64.const -1)))))
                    (br_if $beyond (i64.ge_u (local.get $to) (i64.const 64)))
                    (br_if $slow (i32.wrap_i64 (i64.and
                      (i64.shr_u
                        (i64.or
                          (local.get $foreign)
                          (select (local.get $quotes) (i64.const 0) (local.get $cased))) ;; a contraction goes on with a word of o200k
                        (local.get $to))
                      (i64.const 1))))
                    (br $cut)))
                (local.set $run (i64.shr_u (local.get $digits) (local.get $from)))
                (if (i32.wrap_i64 (i64.and (local.get $run) (i64.const 1)))
                  (then
                    (local.set $run (i64.ctz (i64.xor (local.get $run) (i64.const -1))))
                    (local.set $to (i64.add (local.get $from) (local.get $run)))
                    (br_if $beyond (i64.ge_u (local.get $to) (i64.const 64)))
                    (br_if $slow (i32.wrap_i64 (i64.and (i64.shr_u (local.get $foreign) (local.get $to)) (i64.const 1))))
                    (if (i64.gt_u (local.get $run) (i64.extend_i32_u (local.get $longest)))
                      (then (local.set $to (i64.add (local.get $from) (i64.extend_i32_u (local.get $longest))))))
                    (br $cut)))
                (local.set $to (i64.add
                  (local.get $from)
                  (i64.and (i64.shr_u (local.get $blanks) (local.get $from)) (i64.const 1))))
                (local.set $run (i64.shr_u (local.get $symbols) (local.get $to)))
                (if (i32.wrap_i64 (i64.and (local.get $run) (i64.const 1)))
                  (then
                    (local.set $to (i64.add (local.get $to) (i64.ctz (i64.xor (local.get $run) (i64.const -1)))))
                    (br_if $beyond (i64.ge_u (local.get $to) (i64.const 64)))
                    (br_if $slow (i32.wrap_i64 (i64.and (i64.shr_u (local.get $foreign) (local.get $to)) (i64.const 1))))
                    (local.set $run (i64.shr_u (local.get $lineEnds) (local.get $to)))
                    (br_if $cut (i64.eqz (i64.and (local.get $run) (i64.const 1))))
                    (local.set $to (i64.add (local.get $to) (i64.ctz (i64.xor (local.get $run) (i64.const -1)))))
                    (br_if $beyond (i64.ge_u (local.get $to) (i64.const 64)))
                    ;; Slashes go on with it in o200k.
                    (br_if $slow (i32.and
                      (local.get $cased)
                      (i32.eq (i32.load8_u (i32.add (local.get $at) (i32.wrap_i64 (local.get $to)))) (i32.const 47))))
                    (br $cut)))
                (local.set $run (i64.shr_u (local.get $white) (local.get $from)))
                (br_if $slow (i64.eqz (i64.and (local.get $run) (i64.const 1))))
                (local.set $run (i64.ctz (i64.xor (local.get $run) (i64.const -1))))
                (local.set $to (i64.add (local.get $from) (local.get $run)))
                (br_if $beyond (i64.ge_u (local.get $to) (i64.const 64)))
                (br_if $slow (i32.wrap_i64 (i64.and (i64.shr_u (local.get $foreign) (local.get $to)) (i64.const 1))))
                ;; Up to the last line end, or without the last one of many, which belongs to what follows
                (local.set $run (i64.sub (local.get $to) (i64.extend_i32_u (i64.gt_u (local.get $run) (i64.const 1)))))
                (local.set $to (i64.and
                  (i64.shr_u (local.get $lineEnds) (local.get $from))
                  (i64.sub (i64.shl (i64.const 1) (i64.sub (local.get $to) (local.get $from))) (i64.const 1))))
                (local.set $to (select
                  (local.get $run)
                  (i64.add (local.get $from) (i64.sub (i64.const 64) (i64.clz (local.get $to))))
                  (i64.eqz (local.get $to)))))
              (local.set $from (local.get $to))
              (local.set $piece (i32.add (local.get $at) (i32.wrap_i64 (local.get $to))))
              (i32.store (local.get $ends) (local.get $piece))
              (local.set $ends (i32.add (local.get $ends) (i32.const 4)))
              (if (i32.ge_u (local.get $ends) (local.get $stops)) (then (return (local.get $piece))))
              (br_if $piece (i64.lt_u (local.get $from) (i64.const 62)))
              (local.set $at (local.get $piece))
              (br $window))
            (br_if $slow (i64.eqz (local.get $from)))
            (local.set $at (i32.add (local.get $at) (i32.wrap_i64 (local.get $from))))
            (br $window))
          (local.set $piece (i32.add (local.get $at) (i32.wrap_i64 (local.get $from))))
          (br_if $done (i32.ge_u (local.get $piece) (local.get $end)))
          (local.set $piece
            (if (result i32) (local.get $cased)
              (then (call $o200k (local.get $piece) (local.get $end)))
              (else (call $cl100k (local.get $piece) (local.get $end) (local.get $longest)))))
          (i32.store (local.get $ends) (local.get $piece))
          (local.set $ends (i32.add (local.get $ends) (i32.const 4)))
          (if (i32.ge_u (local.get $ends) (local.get $stops)) (then (return (local.get $piece))))
          (local.set $from (i64.extend_i32_u (i32.sub (local.get $piece) (local.get $at))))
          (br_if $piece (i64.lt_u (local.get $from) (i64.const 62)))
          (local.set $at (local.get $piece))
          (br $window))))
    (local.get $end))

  ;; The same by pattern 0 (GPT-2), 1 (cl100k) or 2 (o200k)
  (func $cut
    (param $at i32) (param $end i32) (param $ends i32) (param $most i32) (param $pattern i32) (param $digits i32) (result i32)
    (if (i32.eqz (local.get $pattern))
      (then (return (call $cutGpt2 (local.get $at) (local.get $end) (local.get $ends) (local.get $most)))))
    (call $cutNewer
      (local.get $at) (local.get $end) (local.get $ends) (local.get $most)
      (i32.shr_u (local.get $pattern) (i32.const 1))
      (local.get $digits)))


;; Where pieces of UTF-8 end, by GPT-2's, cl100k's or o200k's pattern (splitters.ts spells them out).

  ;; The class of the character at a place, and 16 times its length in bytes
  (func $class (param $at i32) (result i32)
    (local $first i32) (local $code i32) (local $width i32)
    (local.set $first (i32.load8_u (local.get $at)))
    (if (i32.lt_u (local.get $first) (i32.const 0x80))
      (then (return (i32.or (i32.load8_u offset=8192 (local.get $first)) (i32.const 0x10)))))
    (if (i32.lt_u (local.get $first) (i32.const 0xe0))
      (then
        (local.set $width (i32.const 0x20))
        (local.set $code (i32.or
          (i32.shl (i32.and (local.get $first) (i32.const 31)) (i32.const 6))
          (i32.and (i32.load8_u offset=1 (local.get $at)) (i32.const 63)))))
      (else
        (local.set $code (i32.or
          (i32.shl (i32.and (i32.load8_u offset=1 (local.get $at)) (i32.const 63)) (i32.const 6))
          (i32.and (i32.load8_u offset=2 (local.get $at)) (i32.const 63))))
        (if (i32.lt_u (local.get $first) (i32.const 0xf0))
          (then
            (local.set $width (i32.const 0x30))
            (local.set $code (i32.or
              (i32.shl (i32.and (local.get $first) (i32.const 15)) (i32.const 12))
              (local.get $code))))
          (else
            (local.set $width (i32.const 0x40))
            (local.set $code (i32.or
              (i32.or
                (i32.shl (i32.and (local.get $first) (i32.const 7)) (i32.const 18))
                (i32.shl (local.get $code) (i32.const 6)))
              (i32.and (i32.load8_u offset=3 (local.get $at)) (i32.const 63))))))))
    (i32.or
      (local.get $width)
      (i32.load8_u offset=8192
        (i32.or
          (i32.shl (i32.load8_u offset=64 (i32.shr_u (local.get $code) (i32.const 8))) (i32.const 8))
          (i32.and (local.get $code) (i32.const 255))))))

  (func $isLetter (param $byte i32) (result i32)
    (i32.lt_u (i32.sub (i32.or (local.get $byte) (i32.const 32)) (i32.const 97)) (i32.const 26)))

  (func $isLineEnd (param $byte i32) (result i32)
    (i32.or (i32.eq (local.get $byte) (i32.const 10)) (i32.eq (local.get $byte) (i32.const 13))))

  ;; The end of [\u4e00-\u9fbf]*, letters all of them
  (func $ideographs (param $at i32) (result i32)
    (local $next i32)
    (local.set $next (local.get $at))
    (loop $more
      (local.set $at (local.get $next))
      (local.set $next (i32.add (local.get $at) (i32.const 3)))
      (br_if $more (i32.le_u
        (i32.sub
          (i32.or (i32.shl (i32.load8_u (local.get $at)) (i32.const 8)) (i32.load8_u offset=1 (local.get $at)))
          (i32.const 0xe4b8))
        (i32.const 0x0506))))
    (local.get $at))

  ;; The end of \p{L}*
  (func $letters (param $at i32) (result i32)
    (local $bytes v128) (local $count i32) (local $class i32)
    (loop $more
      (local.set $bytes (v128.load align=1 (local.get $at)))
      (local.set $count (i32.ctz (i32.xor (i32.const -1) (i8x16.bitmask (i8x16.lt_u
        (i8x16.sub
          (v128.or (local.get $bytes) (v128.const i32x4 0x20202020 0x20202020 0x20202020 0x20202020))
          (v128.const i32x4 0x61616161 0x61616161 0x61616161 0x61616161))
        (v128.const i32x4 0x1a1a1a1a 0x1a1a1a1a 0x1a1a1a1a 0x1a1a1a1a))))))
      (local.set $at (i32.add (local.get $at) (local.get $count)))
      (br_if $more (i32.eq (local.get $count) (i32.const 16)))
      (block $ascii
        (loop $wide
          (local.set $at (call $ideographs (local.get $at)))
          (br_if $ascii (i32.lt_u (i32.load8_u (local.get $at)) (i32.const 0x80)))
          (local.set $class (call $class (local.get $at)))
          (if (i32.lt_u (i32.and (local.get $class) (i32.const 15)) (i32.const 4)) (then (return (local.get $at))))
          (local.set $at (i32.add (local.get $at) (i32.shr_u (local.get $class) (i32.const 4))))
          (br $wide)))
      (br_if $more (call $isLetter (i32.load8_u (local.get $at)))))
    (local.get $at))

  ;; The end of \p{N}{0,most}
  (func $numbers (param $at i32) (param $most i32) (result i32)
    (local $class i32)
    (block $done
      (loop $more
        (br_if $done (i32.eqz (local.get $most)))
        (local.set $class (call $class (local.get $at)))
        (br_if $done (i32.ne (i32.and (local.get $class) (i32.const 15)) (i32.const 1)))
        (local.set $at (i32.add (local.get $at) (i32.shr_u (local.get $class) (i32.const 4))))
        (local.set $most (i32.sub (local.get $most) (i32.const 1)))
        (br $more)))
    (local.get $at))

  ;; The end of [^\s\p{L}\p{N}]*
  (func $symbols (param $at i32) (param $end i32) (result i32)
    (local $class i32) (local $kind i32)
    (block $done
      (loop $more
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $class (call $class (local.get $at)))
        (local.set $kind (i32.and (local.get $class) (i32.const 15)))
        (br_if $done (i32.or
          (i32.ge_u (local.get $kind) (i32.const 4))
          (i32.lt_u (i32.sub (local.get $kind) (i32.const 1)) (i32.const 2))))
        (local.set $at (i32.add (local.get $at) (i32.shr_u (local.get $class) (i32.const 4))))
        (br $more)))
    (local.get $at))

  ;; The end of a contraction at an apostrophe, or 0: 's, 't, 're, 've, 'm, 'll, 'd; with `any` in either case, where ſ is an s too
  (func $contraction (param $at i32) (param $any i32) (result i32)
    (local $first i32) (local $second i32)
    (local.set $first (i32.load8_u offset=1 (local.get $at)))
    (local.set $second (i32.load8_u offset=2 (local.get $at)))
    (if (local.get $any)
      (then
        (if (i32.and (i32.eq (local.get $first) (i32.const 0xc5)) (i32.eq (local.get $second) (i32.const 0xbf)))
          (then (return (i32.add (local.get $at) (i32.const 3)))))
        (if (i32.lt_u (local.get $first) (i32.const 0x80))
          (then (local.set $first (i32.or (local.get $first) (i32.const 32)))))
        (if (i32.lt_u (local.get $second) (i32.const 0x80))
          (then (local.set $second (i32.or (local.get $second) (i32.const 32)))))))
    (if (i32.or
        (i32.or (i32.eq (local.get $first) (i32.const 0x73)) (i32.eq (local.get $first) (i32.const 0x74)))
        (i32.or (i32.eq (local.get $first) (i32.const 0x6d)) (i32.eq (local.get $first) (i32.const 0x64))))
      (then (return (i32.add (local.get $at) (i32.const 2)))))
    (if (i32.or
        (i32.and
          (i32.or (i32.eq (local.get $first) (i32.const 0x72)) (i32.eq (local.get $first) (i32.const 0x76)))
          (i32.eq (local.get $second) (i32.const 0x65)))
        (i32.and (i32.eq (local.get $first) (i32.const 0x6c)) (i32.eq (local.get $second) (i32.const 0x6c))))
      (then (return (i32.add (local.get $at) (i32.const 3)))))
    (i32.const 0))

  ;; The end of `\s*[\r\n]+|\s+(?!\S)|\s+`, without `lines` of the last two: white space leaves its last character to what follows
  (func $spaces (param $at i32) (param $end i32) (param $lines i32) (result i32)
    (local $stop i32) (local $last i32) (local $line i32) (local $class i32)
    (local.set $stop (local.get $at))
    (local.set $last (local.get $at))
    (block $done
      (loop $more
        (local.set $class (call $class (local.get $stop)))
        (br_if $done (i32.ne (i32.and (local.get $class) (i32.const 15)) (i32.const 2)))
        (local.set $last (local.get $stop))
        (local.set $stop (i32.add (local.get $stop) (i32.shr_u (local.get $class) (i32.const 4))))
        (if (i32.and (local.get $lines) (call $isLineEnd (i32.load8_u (local.get $last))))
          (then (local.set $line (local.get $stop))))
        (br $more)))
    (if (local.get $line) (then (return (local.get $line))))
    (select
      (local.get $last)
      (local.get $stop)
      (i32.and
        (i32.lt_u (local.get $stop) (local.get $end))
        (i32.gt_u (local.get $last) (local.get $at)))))

  ;; `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  (func $gpt2 (param $at i32) (param $end i32) (result i32)
    (local $first i32) (local $start i32) (local $class i32) (local $next i32) (local $kind i32)
    (local.set $first (i32.load8_u (local.get $at)))
    (local.set $start (i32.add (local.get $at) (i32.eq (local.get $first) (i32.const 32))))
    (if (call $isLetter (i32.load8_u (local.get $start)))
      (then (return (call $letters (local.get $start)))))
    (if (i32.eq (local.get $first) (i32.const 39))
      (then (if (local.tee $next (call $contraction (local.get $at) (i32.const 0))) (then (return (local.get $next))))))
    (local.set $class (call $class (local.get $start)))
    (local.set $kind (i32.and (local.get $class) (i32.const 15)))
    (if (i32.or (i32.eq (local.get $kind) (i32.const 2)) (i32.ge_u (local.get $start) (local.get $end)))
      (then (return (call $spaces (local.get $at) (local.get $end) (i32.const 0)))))
    (if (i32.ge_u (local.get $kind) (i32.const 4)) (then (return (call $letters (local.get $start)))))
    (if (i32.eq (local.get $kind) (i32.const 1)) (then (return (call $numbers (local.get $start) (i32.const -1)))))
    (call $symbols (local.get $start) (local.get $end)))

  ;; What follows the words in the newer patterns: ` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`, with slashes `[\r\n/]*`
  (func $others (param $at i32) (param $end i32) (param $slashes i32) (result i32)
    (local $start i32) (local $stop i32) (local $byte i32)
    (local.set $start (i32.add (local.get $at) (i32.eq (i32.load8_u (local.get $at)) (i32.const 32))))
    (local.set $stop (call $symbols (local.get $start) (local.get $end)))
    (if (i32.le_u (local.get $stop) (local.get $start))
      (then (return (call $spaces (local.get $at) (local.get $end) (i32.const 1)))))
    (block $done
      (loop $more
        (local.set $byte (i32.load8_u (local.get $stop)))
        (br_if $done (i32.eqz (i32.or
          (call $isLineEnd (local.get $byte))
          (i32.and (local.get $slashes) (i32.eq (local.get $byte) (i32.const 47))))))
        (local.set $stop (i32.add (local.get $stop) (i32.const 1)))
        (br $more)))
    (local.get $stop))

  ;; `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}|` and the others
  (func $cl100k (param $at i32) (param $end i32) (param $digits i32) (result i32)
    (local $first i32) (local $stop i32) (local $class i32) (local $kind i32)
    (local.set $first (i32.load8_u (local.get $at)))
    (if (call $isLetter (i32.load8_u (i32.add (local.get $at) (i32.eq (local.get $first) (i32.const 32)))))
      (then (return (call $letters (i32.add (local.get $at) (i32.const 1))))))
    (if (i32.eq (local.get $first) (i32.const 39))
      (then (if (local.tee $stop (call $contraction (local.get $at) (i32.const 1))) (then (return (local.get $stop))))))
    (local.set $class (call $class (local.get $at)))
    (local.set $kind (i32.and (local.get $class) (i32.const 15)))
    (if (i32.eq (local.get $kind) (i32.const 1))
      (then (return (call $numbers (local.get $at) (local.get $digits)))))
    (local.set $stop (i32.add (local.get $at) (i32.shr_u (local.get $class) (i32.const 4))))
    (if (i32.ge_u (local.get $kind) (i32.const 4)) (then (return (call $letters (local.get $stop)))))
    (if (i32.eqz (call $isLineEnd (local.get $first)))
      (then (if (i32.ge_u (i32.and (call $class (local.get $stop)) (i32.const 15)) (i32.const 4))
        (then (return (call $letters (local.get $stop)))))))
    (call $others (local.get $at) (local.get $end) (i32.const 0)))

  ;; The end of `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+` or, failing that, `…+…*`; `from` where neither matches
  (func $casedWord (param $from i32) (result i32)
    (local $at i32) (local $upper i32) (local $shared i32) (local $class i32) (local $kind i32)
    (local.set $at (local.get $from))
    ;; The end of the last character of the upper part that the lower part takes as well
    (local.set $shared (local.get $from))
    (block $done
      (loop $more
        (local.set $class (call $ideographs (local.get $at)))
        (if (i32.ne (local.get $class) (local.get $at))
          (then
            (local.set $at (local.get $class))
            (local.set $shared (local.get $at))))
        (local.set $class (call $class (local.get $at)))
        (local.set $kind (i32.and (local.get $class) (i32.const 15)))
        (br_if $done (i32.eqz (i32.and
          (i32.shr_u (i32.const 0x58) (local.get $kind)) ;; marks, upper case, other letters
          (i32.const 1))))
        (local.set $at (i32.add (local.get $at) (i32.shr_u (local.get $class) (i32.const 4))))
        (if (i32.ne (local.get $kind) (i32.const 4)) (then (local.set $shared (local.get $at))))
        (br $more)))
    (local.set $upper (local.get $at))
    (block $done
      (loop $more
        (local.set $class (call $class (local.get $at)))
        (br_if $done (i32.eqz (i32.and
          (i32.shr_u (i32.const 0x68) (i32.and (local.get $class) (i32.const 15))) ;; marks, lower case, other letters
          (i32.const 1))))
        (local.set $at (i32.add (local.get $at) (i32.shr_u (local.get $class) (i32.const 4))))
        (br $more)))
    ;; Without a lower-case letter the first alternative gives back characters until one fits its second part.
    (if (i32.gt_u (local.get $at) (local.get $upper)) (then (return (local.get $at))))
    (select (local.get $shared) (local.get $upper) (i32.gt_u (local.get $shared) (local.get $from))))

  ;; The end of a word of o200k with the contraction behind it
  (func $suffixed (param $at i32) (result i32)
    (local $stop i32)
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 39))
      (then (if (local.tee $stop (call $contraction (local.get $at) (i32.const 1))) (then (return (local.get $stop))))))
    (local.get $at))

  ;; o200k's pattern (splitters.ts spells it out)
  (func $o200k (param $at i32) (param $end i32) (result i32)
    (local $first i32) (local $class i32) (local $kind i32) (local $second i32) (local $stop i32)
    (local.set $first (i32.load8_u (local.get $at)))
    (local.set $class (call $class (local.get $at)))
    (local.set $kind (i32.and (local.get $class) (i32.const 15)))
    (local.set $second (i32.add (local.get $at) (i32.shr_u (local.get $class) (i32.const 4))))
    (if (i32.eq (local.get $kind) (i32.const 1)) (then (return (call $numbers (local.get $at) (i32.const 3)))))
    ;; A mark may be the optional first character or begin the word: the end is the same.
    (if (i32.ge_u (local.get $kind) (i32.const 3))
      (then (return (call $suffixed (call $casedWord (local.get $at))))))
    (if (i32.eqz (call $isLineEnd (local.get $first)))
      (then
        (local.set $stop (call $casedWord (local.get $second)))
        (if (i32.gt_u (local.get $stop) (local.get $second)) (then (return (call $suffixed (local.get $stop)))))))
    (call $others (local.get $at) (local.get $end) (i32.const 1)))

;; Pieces that are known: tokens, and words seen lately.

  ;; The piece that was not known last, as a short one and as a long one, with its slots; 0 where it is too long
  (global $short (mut v128) (v128.const i32x4 0 0 0 0))
  (global $slot (mut i32) (i32.const 0))
  (global $head (mut v128) (v128.const i32x4 0 0 0 0))
  (global $rest (mut v128) (v128.const i32x4 0 0 0 0))
  (global $longSlot (mut i32) (i32.const 0))

  ;; The first 16 bytes of a piece, zeros behind its end
  (func $headOf (param $at i32) (param $length i32) (result v128)
    (v128.and
      (v128.load align=1 (local.get $at))
      (v128.load align=1 (i32.sub
        (i32.const 16)
        (select (local.get $length) (i32.const 16) (i32.lt_u (local.get $length) (i32.const 16)))))))

  ;; Of up to 15 bytes, and their number
  (func $keyOf (param $at i32) (param $length i32) (result v128)
    (i8x16.replace_lane 15
      (v128.and
        (v128.load align=1 (local.get $at))
        (v128.load align=1 (i32.sub (i32.const 16) (local.get $length))))
      (local.get $length)))

  (func $hash (param $bytes v128) (result i64)
    (i64.add
      (i64.mul (i64x2.extract_lane 0 (local.get $bytes)) (i64.const 0x9e3779b97f4a7c15))
      (i64.mul (i64x2.extract_lane 1 (local.get $bytes)) (i64.const 0xc2b2ae3d27d4eb4f))))

  (func $tokenSet (param $key v128) (result i32)
    (i32.add
      (i32.const 2409600)
      (i32.shl
        (i32.wrap_i64 (i64.shr_u (call $hash (local.get $key)) (global.get $tokenShift)))
        (i32.const 6))))

  ;; Makes a token of up to 12 bytes known, whose bytes stand at a place. Of too many that share a set the first four stay.
  (func (export "learn") (param $at i32) (param $length i32) (param $id i32)
    (local $key v128) (local $set i32) (local $stop i32)
    (local.set $key (call $keyOf (local.get $at) (local.get $length)))
    (local.set $set (call $tokenSet (local.get $key)))
    (local.set $stop (i32.add (local.get $set) (i32.const 16)))
    (loop $next
      (if (i32.eqz (i32.load offset=48 (local.get $set)))
        (then
          (i32.store (local.get $set) (i32x4.extract_lane 0 (local.get $key)))
          (i32.store offset=16 (local.get $set) (i32x4.extract_lane 1 (local.get $key)))
          (i32.store offset=32 (local.get $set) (i32x4.extract_lane 2 (local.get $key)))
          (i32.store offset=48 (local.get $set) (i32.or (i32x4.extract_lane 3 (local.get $key)) (local.get $id)))
          (return)))
      (local.set $set (i32.add (local.get $set) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $set) (local.get $stop)))))

  ;; Cuts the text [at, end) by pattern 0 (GPT-2), 1 (cl100k, numbers of so many digits) or 2 (o200k) and writes the ids to `out` until a
  ;; piece comes that JavaScript has to encode. Returns where the ids end.
  ;;
  ;; Many pieces are cut, then all their sets are read, then all are compared: what has to come from memory comes at once.
  (func (export "encode") (param $at i32) (param $end i32) (param $out i32) (param $pattern i32) (param $digits i32) (result i32)
    (local $from i32) (local $stop i32) (local $length i32) (local $i i32) (local $key v128) (local $set i32) (local $read i32) (local $found i32)
    (i32.store offset=32 (i32.const 0) (i32.const 0))
    (i32.store offset=36 (i32.const 0) (i32.const 0))
    (block $done
      (loop $batch
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $stop
          (call $cut
            (local.get $at) (local.get $end) (i32.const 180352) (i32.const 256) (local.get $pattern) (local.get $digits)))
        (local.set $i (i32.const 0))
        (local.set $from (local.get $at))
        (loop $keys
          (local.set $length (i32.sub
            (i32.load offset=180352 (local.get $i))
            (local.get $from)))
          (if (i32.lt_u (local.get $length) (i32.const 16))
            (then
              (local.set $key (i8x16.replace_lane 15
                (v128.and
                  (v128.load align=1 (local.get $from))
                  (v128.load align=1 (i32.sub (i32.const 16) (local.get $length))))
                (local.get $length))))
            (else (local.set $key (v128.const i32x4 -1 -1 -1 -1))))
          (local.set $set (i32.add
            (i32.const 2409600)
            (i32.shl
              (i32.wrap_i64 (i64.shr_u
                (i64.add
                  (i64.mul (i64x2.extract_lane 0 (local.get $key)) (i64.const 0x9e3779b97f4a7c15))
                  (i64.mul (i64x2.extract_lane 1 (local.get $key)) (i64.const 0xc2b2ae3d27d4eb4f)))
                (global.get $tokenShift)))
              (i32.const 6))))
          (v128.store offset=182400 (i32.shl (local.get $i) (i32.const 2)) (local.get $key))
          (i32.store offset=181376 (local.get $i) (local.get $set))
          (local.set $read (i32.xor (local.get $read) (i32.load (local.get $set))))
          (local.set $from (i32.add (local.get $from) (local.get $length)))
          (local.set $i (i32.add (local.get $i) (i32.const 4)))
          (br_if $keys (i32.lt_u (local.get $from) (local.get $stop))))
        (i32.store offset=40 (i32.const 0) (local.get $read))
        (local.set $i (i32.const 0))
        (loop $pieces
          (local.set $key (v128.load offset=182400 (i32.shl (local.get $i) (i32.const 2))))
          (local.set $set (i32.load offset=181376 (local.get $i)))
          (local.set $from (i32.load offset=180352 (local.get $i)))
          (local.set $found (i32x4.bitmask (v128.and
            (v128.and
              (i32x4.eq
                (v128.load (local.get $set))
                (i8x16.shuffle 0 1 2 3 0 1 2 3 0 1 2 3 0 1 2 3 (local.get $key) (local.get $key)))
              (i32x4.eq
                (v128.load offset=16 (local.get $set))
                (i8x16.shuffle 4 5 6 7 4 5 6 7 4 5 6 7 4 5 6 7 (local.get $key) (local.get $key))))
            (v128.and
              (i32x4.eq
                (v128.load offset=32 (local.get $set))
                (i8x16.shuffle 8 9 10 11 8 9 10 11 8 9 10 11 8 9 10 11 (local.get $key) (local.get $key)))
              (i32x4.eq
                (v128.and
                  (v128.load offset=48 (local.get $set))
                  (v128.const i32x4 0xff000000 0xff000000 0xff000000 0xff000000))
                (i8x16.shuffle 12 13 14 15 12 13 14 15 12 13 14 15 12 13 14 15 (local.get $key) (local.get $key)))))))
          (if (local.get $found)
            (then
              (i32.store
                (local.get $out)
                (i32.and
                  (i32.load offset=48 (i32.add (local.get $set) (i32.shl (i32.ctz (local.get $found)) (i32.const 2))))
                  (i32.const 0xffffff)))
              (local.set $out (i32.add (local.get $out) (i32.const 4))))
            (else
              (local.set $out (call $encodeWord (local.get $at) (local.get $from) (local.get $key) (local.get $out)))
              (if (i32.load offset=36 (i32.const 0)) (then (return (local.get $out))))))
          (local.set $at (local.get $from))
          (local.set $i (i32.add (local.get $i) (i32.const 4)))
          (br_if $pieces (i32.lt_u (local.get $at) (local.get $stop))))
        (br $batch)))
    (local.get $out))

  ;; Writes the ids of a piece that is no token of up to 12 bytes, and returns where they end
  (func $encodeWord (param $at i32) (param $stop i32) (param $key v128) (param $out i32) (result i32)
    (local $length i32) (local $slot i32) (local $ids i32) (local $end i32)
    (local.set $length (i32.sub (local.get $stop) (local.get $at)))
    (global.set $slot (i32.const 0))
    (global.set $longSlot (i32.const 0))
    (block $unknown
      (if (i32.lt_u (local.get $length) (i32.const 16))
        (then
          (local.set $slot (i32.add
            (i32.const 393216)
            (i32.shl (i32.wrap_i64 (i64.shr_u (call $hash (local.get $key)) (i64.const 50))) (i32.const 6))))
          (if (v128.any_true (v128.xor (v128.load (local.get $slot)) (local.get $key)))
            (then
              (if (v128.any_true (v128.xor (v128.load offset=32 (local.get $slot)) (local.get $key)))
                (then
                  (global.set $short (local.get $key))
                  (global.set $slot (local.get $slot))
                  (br $unknown)))
              (local.set $slot (i32.add (local.get $slot) (i32.const 32)))))
          (if (i32.ne (i32.load8_u offset=19 (local.get $slot)) (i32.const 255))
            (then (return (call $put (local.get $out) (i32.add (local.get $slot) (i32.const 16))))))
          (global.set $short (local.get $key))
          (global.set $slot (i32.and (local.get $slot) (i32.const -64)))))
      (br_if $unknown (i32.ge_u (local.get $length) (i32.const 32)))
      (if (local.tee $ids (call $long (local.get $at) (local.get $length)))
        (then (return (call $put (local.get $out) (local.get $ids))))))
    (if (global.get $facts)
      (then
        (if (local.tee $end (call $encodeUnknown (local.get $at) (local.get $stop) (local.get $out)))
          (then
            (call $keep
              (local.get $at) (local.get $length) (local.get $out)
              (i32.shr_u (i32.sub (local.get $end) (local.get $out)) (i32.const 2)))
            (return (local.get $end))))))
    (i32.store offset=32 (i32.const 0) (local.get $at))
    (i32.store offset=36 (i32.const 0) (local.get $stop))
    (local.get $out))

  ;; Writes the ids that are kept at a place and returns where they end
  (func $put (param $out i32) (param $ids i32) (result i32)
    (local $first v128) (local $end i32)
    (local.set $first (v128.load (local.get $ids)))
    (local.set $end (i32.add (local.get $out)
      (i32.shl (i32.shr_u (i32x4.extract_lane 0 (local.get $first)) (i32.const 24)) (i32.const 2))))
    (v128.store align=1 (local.get $out)
      (v128.and (local.get $first) (v128.const i32x4 0x00ffffff -1 -1 -1)))
    (loop $more
      (local.set $out (i32.add (local.get $out) (i32.const 16)))
      (local.set $ids (i32.add (local.get $ids) (i32.const 16)))
      (if (i32.lt_u (local.get $out) (local.get $end))
        (then
          (v128.store align=1 (local.get $out) (v128.load (local.get $ids)))
          (br $more))))
    (local.get $end))

  ;; The place of the ids of a long word; 0 where it is not known
  (func $long (param $at i32) (param $length i32) (result i32)
    (call $longKey (local.get $at) (local.get $length))
    (if (v128.any_true (v128.or
        (v128.xor (v128.load (global.get $longSlot)) (global.get $head))
        (v128.xor (v128.load offset=16 (global.get $longSlot)) (global.get $rest))))
      (then (return (i32.const 0))))
    (i32.add (global.get $longSlot) (i32.const 32)))

  (func $longKey (param $at i32) (param $length i32)
    (global.set $head (call $headOf (local.get $at) (local.get $length)))
    (global.set $rest (i8x16.replace_lane 15
      (call $headOf
        (i32.add (local.get $at) (i32.const 16))
        (select (i32.sub (local.get $length) (i32.const 16)) (i32.const 0) (i32.gt_u (local.get $length) (i32.const 16))))
      (local.get $length)))
    (global.set $longSlot (i32.add
      (i32.const 1441792)
      (i32.shl
        (i32.wrap_i64 (i64.shr_u
          (i64.add (call $hash (global.get $head)) (i64.rotl (call $hash (global.get $rest)) (i64.const 23)))
          (i64.const 52)))
        (i32.const 7)))))

  ;; Keeps so many ids, which stand at `ids`, for the piece that was not known last, where neither is long
  (func $keep (export "keep") (param $at i32) (param $length i32) (param $ids i32) (param $count i32)
    (local $i i32)
    (if (global.get $slot)
      (then
        ;; beside the word that came last to its set
        (if (v128.any_true (v128.xor (v128.load (global.get $slot)) (global.get $short)))
          (then
            (v128.store offset=32 (global.get $slot) (v128.load (global.get $slot)))
            (v128.store offset=48 (global.get $slot) (v128.load offset=16 (global.get $slot)))))
        (v128.store (global.get $slot) (global.get $short))
        (v128.store offset=16 (global.get $slot) (v128.load align=1 (local.get $ids)))
        (if (i32.le_u (local.get $count) (i32.const 4))
          (then (i32.store8 offset=19 (global.get $slot) (local.get $count)) (return)))
        (i32.store8 offset=19 (global.get $slot) (i32.const 255))))
    (if (i32.or (i32.ge_u (local.get $length) (i32.const 32)) (i32.gt_u (local.get $count) (i32.const 24))) (then (return)))
    (call $longKey (local.get $at) (local.get $length))
    (v128.store (global.get $longSlot) (global.get $head))
    (v128.store offset=16 (global.get $longSlot) (global.get $rest))
    (loop $more
      (v128.store offset=32
        (i32.add (global.get $longSlot) (local.get $i))
        (v128.load align=1 (i32.add (local.get $ids) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 16)))
      (br_if $more (i32.lt_u (local.get $i) (i32.shl (local.get $count) (i32.const 2)))))
    (i32.store8 offset=35 (global.get $longSlot) (local.get $count)))


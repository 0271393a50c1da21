;; Pieces that are not known: byte-pair encoding without merging, as in neighbour-encoder.ts, merge-order.ts and token-trie.ts, which say why.

  ;; The longest token that [at, stop) begins with
  (func $longest (param $at i32) (param $stop i32) (result i32)
    (local $found i32) (local $node i32) (local $below i32) (local $kind i32) (local $byte i32) (local $token i32) (local $entries i32)
    (local.set $byte (i32.load8_u (local.get $at)))
    (local.set $found (i32.load offset=2359296 (i32.shl (local.get $byte) (i32.const 2))))
    (if (i32.ge_u (i32.add (local.get $at) (i32.const 1)) (local.get $stop)) (then (return (local.get $found))))
    (local.set $node (i32.load offset=2097152 (i32.shl
      (i32.or (i32.shl (local.get $byte) (i32.const 8)) (i32.load8_u offset=1 (local.get $at)))
      (i32.const 2))))
    (if (i32.lt_s (local.get $node) (i32.const 0)) (then (return (local.get $found))))
    (local.set $node (i32.add (global.get $trie) (i32.shl (local.get $node) (i32.const 2))))
    (local.set $at (i32.add (local.get $at) (i32.const 2)))
    (loop $walk
      (local.set $token (i32.load (local.get $node)))
      (local.set $found (select (local.get $token) (local.get $found) (i32.ge_s (local.get $token) (i32.const 0))))
      (local.set $below (i32.load offset=4 (local.get $node)))
      (if (i32.ge_u (local.get $at) (local.get $stop)) (then (return (local.get $found))))
      (local.set $kind (i32.and (local.get $below) (i32.const 255)))
      (local.set $byte (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $node (i32.add (local.get $node) (i32.const 8)))
      (if (i32.eq (local.get $kind) (i32.const 1))
        (then
          (br_if $walk (i32.eq (i32.shr_u (local.get $below) (i32.const 8)) (local.get $byte)))
          (return (local.get $found))))
      (if (i32.eqz (local.get $kind)) (then (return (local.get $found))))
      (if (i32.eq (local.get $kind) (i32.const 255))
        (then
          (local.set $token (i32.and (i32.shr_u (local.get $below) (i32.const 8)) (i32.const 255)))
          (if (i32.or
              (i32.lt_u (local.get $byte) (local.get $token))
              (i32.gt_u (local.get $byte) (i32.shr_u (local.get $below) (i32.const 16))))
            (then (return (local.get $found))))
          (local.set $node (i32.load (i32.add
            (local.get $node)
            (i32.shl (i32.sub (local.get $byte) (local.get $token)) (i32.const 2)))))
          (if (i32.eqz (local.get $node)) (then (return (local.get $found))))
          (local.set $node (i32.add (global.get $trie) (i32.shl (local.get $node) (i32.const 2))))
          (br $walk)))
      (local.set $entries (i32.add (local.get $node) (i32.shl (local.get $kind) (i32.const 2))))
      (loop $list
        (local.set $token (i32.load (local.get $node)))
        (if (i32.eq (i32.and (local.get $token) (i32.const 255)) (local.get $byte))
          (then
            (local.set $node (i32.add (global.get $trie) (i32.shl (i32.shr_u (local.get $token) (i32.const 8)) (i32.const 2))))
            (br $walk)))
        (local.set $node (i32.add (local.get $node) (i32.const 4)))
        (br_if $list (i32.lt_u (local.get $node) (local.get $entries)))))
    (local.get $found))

  ;; Whether merging leaves two tokens side by side
  (func $mayMeet (param $left i32) (param $right i32) (result i32)
    (local $before i32) (local $l i32) (local $r i32) (local $a i32) (local $b i32)
    (local.set $before (i32.const 0x7fffffff))
    (local.set $l (i32.add (global.get $facts) (i32.shl (local.get $left) (i32.const 5))))
    (local.set $r (i32.add (global.get $facts) (i32.shl (local.get $right) (i32.const 5))))
    (loop $seam
      (if (i32.and
          (i32.and
            (i32.shr_u (i32.load offset=16 (local.get $l)) (i32.shr_u (i32.mul (local.get $right) (i32.const 0x9e3779b1)) (i32.const 27)))
            (i32.shr_u (i32.load offset=20 (local.get $r)) (i32.shr_u (i32.mul (local.get $left) (i32.const 0x9e3779b1)) (i32.const 27))))
          (i32.const 1))
        (then
          (if (i32.lt_s (call $rankOf (local.get $left) (local.get $right)) (local.get $before))
            (then (return (i32.const 0))))))
      (local.set $a (i32.load offset=8 (local.get $l)))
      (local.set $b (i32.load offset=8 (local.get $r)))
      (if (i32.gt_s (local.get $a) (local.get $b))
        (then
          (local.set $before (local.get $a))
          (local.set $left (i32.load offset=4 (local.get $l)))
          (local.set $l (i32.add (global.get $facts) (i32.shl (local.get $left) (i32.const 5))))
          (br $seam)))
      (if (i32.ge_s (local.get $b) (i32.const 0))
        (then
          (local.set $before (i32.add (local.get $b) (i32.const 1)))
          (local.set $right (i32.load (local.get $r)))
          (local.set $r (i32.add (global.get $facts) (i32.shl (local.get $right) (i32.const 5))))
          (br $seam))))
    (i32.const 1))

  ;; The rank of a pair; beyond all ranks where it is not there. A slot has 21 bits for each id, above them the lower 11 bits of the
  ;; rank beside the left one and the upper ones beside the right one; −1 where it is free.
  (func $rankOf (param $left i32) (param $right i32) (result i32)
    (local $hash i32) (local $key i64) (local $slot i64)
    (local.set $key (i64.or
      (i64.extend_i32_u (local.get $left))
      (i64.shl (i64.extend_i32_u (local.get $right)) (i64.const 32))))
    (local.set $hash (i32.xor
      (i32.mul (local.get $left) (i32.const 0x9e3779b1))
      (i32.mul (local.get $right) (i32.const 0x85ebca6b))))
    (local.set $hash (i32.mul
      (i32.xor (local.get $hash) (i32.shr_u (local.get $hash) (i32.const 15)))
      (i32.const 0x2c1b3c6d)))
    (local.set $hash (i32.shr_u (local.get $hash) (i32.const 5)))
    (loop $probe
      (local.set $hash (i32.and (local.get $hash) (global.get $rankMask)))
      (local.set $slot (i64.load (i32.add (global.get $ranks) (local.get $hash))))
      (if (i64.eqz (i64.and (i64.xor (local.get $slot) (local.get $key)) (i64.const 0x001fffff001fffff)))
        (then (return (i32.or
          (i32.shr_u (i32.wrap_i64 (local.get $slot)) (i32.const 21))
          (i32.wrap_i64 (i64.shl (i64.shr_u (local.get $slot) (i64.const 53)) (i64.const 11)))))))
      (local.set $hash (i32.add (local.get $hash) (i32.const 8)))
      (br_if $probe (i64.ne (local.get $slot) (i64.const -1))))
    (i32.const 0x7fffffff))

  ;; Adds a pair where there is room
  (func (export "rank") (param $left i32) (param $right i32) (param $rank i32)
    (local $hash i32)
    (local.set $hash (i32.xor
      (i32.mul (local.get $left) (i32.const 0x9e3779b1))
      (i32.mul (local.get $right) (i32.const 0x85ebca6b))))
    (local.set $hash (i32.mul
      (i32.xor (local.get $hash) (i32.shr_u (local.get $hash) (i32.const 15)))
      (i32.const 0x2c1b3c6d)))
    (local.set $hash (i32.and (i32.shr_u (local.get $hash) (i32.const 5)) (global.get $rankMask)))
    (block $free
      (loop $probe
        (br_if $free (i64.eq (i64.load (i32.add (global.get $ranks) (local.get $hash))) (i64.const -1)))
        (local.set $hash (i32.and (i32.add (local.get $hash) (i32.const 8)) (global.get $rankMask)))
        (br $probe)))
    (local.set $hash (i32.add (global.get $ranks) (local.get $hash)))
    (i32.store (local.get $hash) (i32.or (local.get $left) (i32.shl (local.get $rank) (i32.const 21))))
    (i32.store offset=4
      (local.get $hash)
      (i32.or (local.get $right) (i32.shl (i32.shr_u (local.get $rank) (i32.const 11)) (i32.const 21)))))

  ;; Writes the ids of the piece [start, end) and returns where they end; 0 where the merges contradict each other
  (func $encodeUnknown (param $start i32) (param $end i32) (param $out i32) (result i32)
    (local $first i32) (local $at i32) (local $next i32) (local $token i32) (local $last i32) (local $facts i32) (local $wentBack i32)
    (local $place i32) (local $answer i32)
    (local.set $first (local.get $out))
    (local.set $at (local.get $start))
    (local.set $last (i32.const -1))
    (local.set $token (call $longest (local.get $at) (local.get $end)))
    (local.set $facts (i32.add (global.get $facts) (i32.shl (local.get $token) (i32.const 5))))
    (if (i32.and
        (global.get $whole)
        (i32.eq (i32.load offset=12 (local.get $facts)) (i32.sub (local.get $end) (local.get $start))))
      (then
        (i32.store (local.get $out) (local.get $token))
        (return (i32.add (local.get $out) (i32.const 4)))))
    (loop $tokens
      ;; A token that merging never gives has the rank −2.
      (if (i32.eq (i32.load offset=8 (local.get $facts)) (i32.const -2))
        (then (local.set $token (i32.load offset=24 (local.get $facts)))))
      (block $chosen
        (loop $shorter
          (br_if $chosen (i32.lt_s (local.get $token) (i32.const 0)))
          (local.set $facts (i32.add (global.get $facts) (i32.shl (local.get $token) (i32.const 5))))
          (local.set $next (i32.add (local.get $at) (i32.load offset=12 (local.get $facts))))
          (block $not
            (if (local.get $wentBack)
              (then (br_if $not (i32.load8_u offset=2360320 (i32.sub (local.get $next) (local.get $start))))))
            (br_if $chosen (i32.lt_s (local.get $last) (i32.const 0)))
            ;; Whether the two may be neighbours, asked lately or not
            (local.set $place (i32.shl
              (i32.shr_u
                (i32.add
                  (i32.mul (local.get $last) (i32.const 0x9e3779b1))
                  (i32.mul (local.get $token) (i32.const 0x85ebca6b)))
                (i32.const 18))
              (i32.const 3)))
            (local.set $answer (i32.load offset=1966084 (local.get $place)))
            (if (i32.or
                (i32.ne (i32.load offset=1966080 (local.get $place)) (local.get $last))
                (i32.ne (i32.shr_s (local.get $answer) (i32.const 1)) (local.get $token)))
              (then
                (local.set $answer (i32.or
                  (i32.shl (local.get $token) (i32.const 1))
                  (call $mayMeet (local.get $last) (local.get $token))))
                (i32.store offset=1966080 (local.get $place) (local.get $last))
                (i32.store offset=1966084 (local.get $place) (local.get $answer))))
            (br_if $chosen (i32.and (local.get $answer) (i32.const 1))))
          (local.set $token (i32.load offset=24 (local.get $facts)))
          (br $shorter)))
      (if (i32.ge_s (local.get $token) (i32.const 0))
        (then
          (i32.store (local.get $out) (local.get $token))
          (local.set $out (i32.add (local.get $out) (i32.const 4)))
          (local.set $last (local.get $token))
          (local.set $at (local.get $next))
          (if (i32.lt_u (local.get $at) (local.get $end))
            (then
              (local.set $token (call $longest (local.get $at) (local.get $end)))
              (local.set $facts (i32.add (global.get $facts) (i32.shl (local.get $token) (i32.const 5))))
              (br $tokens))))
        (else
          (if (i32.eq (local.get $out) (local.get $first))
            (then (local.set $out (i32.const 0)))
            (else
              (i32.store8 offset=2360320 (i32.sub (local.get $at) (local.get $start)) (i32.const 1))
              (local.set $wentBack (i32.const 1))
              (local.set $token (local.get $last))
              (local.set $facts (i32.add (global.get $facts) (i32.shl (local.get $token) (i32.const 5))))
              (local.set $out (i32.sub (local.get $out) (i32.const 4)))
              (local.set $last (i32.const -1))
              (if (i32.gt_u (local.get $out) (local.get $first))
                (then (local.set $last (i32.load (i32.sub (local.get $out) (i32.const 4))))))
              (local.set $at (i32.sub (local.get $at) (i32.load offset=12 (local.get $facts))))
              (br $tokens))))))
    (if (local.get $wentBack)
      (then
        (memory.fill
          (i32.const 2360320)
          (i32.const 0)
          (i32.add (i32.sub (local.get $end) (local.get $start)) (i32.const 1)))))
    (local.get $out))

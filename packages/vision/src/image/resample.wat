;; Weighted sums of pixels, as Pillow's resampling makes them: weights of 22 fractional bits, sums of 32, rounded and clipped to 8.
;;
;; A weight w is held in two parts of 16 bits, w = high·2¹⁴ + low, so that one instruction multiplies and adds eight pairs. Taps come
;; in fours: low 0…3, high 0…3, eight int16; those that fill up have the weight 0. A place is a record: where its first tap lies
;; (int32, in bytes or in rows), how many fours (int32), the fours.
;; Up to 16 bytes behind a row, and behind a target, are touched, and three rows more than there are taps.
(module
  (memory (export "memory") 1)

  ;; (high·2¹⁴ + low + ½) / 2²², clipped to bytes, in the lowest lanes
  (func $rounded (param $low v128) (param $high v128) (result v128)
    (local $sum v128)
    (local.set $sum
      (i32x4.shr_s
        (i32x4.add
          (i32x4.add (i32x4.shl (local.get $high) (i32.const 14)) (local.get $low))
          (i32x4.splat (i32.const 0x200000)))
        (i32.const 22)))
    (i8x16.narrow_i16x8_u (i16x8.narrow_i32x4_s (local.get $sum) (local.get $sum)) (v128.const i32x4 0 0 0 0)))

  ;; A row of pixels with three channels → `size` pixels
  (func (export "acrossColour") (param $source i32) (param $target i32) (param $size i32) (param $record i32)
    (local $at i32) (local $end i32) (local $pixels v128) (local $a v128) (local $b v128) (local $low v128) (local $high v128)
    (local.set $end (i32.add (local.get $target) (i32.mul (local.get $size) (i32.const 3))))
    (block $done
      (loop $places
        (br_if $done (i32.ge_u (local.get $target) (local.get $end)))
        (local.set $at (i32.add (local.get $source) (i32.load (local.get $record))))
        (local.set $size (i32.load offset=4 (local.get $record)))
        (local.set $record (i32.add (local.get $record) (i32.const 8)))
        (local.set $low (v128.const i32x4 0 0 0 0))
        (local.set $high (v128.const i32x4 0 0 0 0))
        (loop $fours
          (local.set $pixels (v128.load align=1 (local.get $at)))
          ;; red 0, red 1, green 0, green 1, blue 0, blue 1, as int16; then those of pixels 2 and 3
          (local.set $a (i8x16.swizzle (local.get $pixels)
            (v128.const i8x16 0 255 3 255 1 255 4 255 2 255 5 255 255 255 255 255)))
          (local.set $b (i8x16.swizzle (local.get $pixels)
            (v128.const i8x16 6 255 9 255 7 255 10 255 8 255 11 255 255 255 255 255)))
          (local.set $low (i32x4.add (local.get $low) (i32x4.add
            (i32x4.dot_i16x8_s (local.get $a) (v128.load32_splat align=1 (local.get $record)))
            (i32x4.dot_i16x8_s (local.get $b) (v128.load32_splat offset=4 align=1 (local.get $record))))))
          (local.set $high (i32x4.add (local.get $high) (i32x4.add
            (i32x4.dot_i16x8_s (local.get $a) (v128.load32_splat offset=8 align=1 (local.get $record)))
            (i32x4.dot_i16x8_s (local.get $b) (v128.load32_splat offset=12 align=1 (local.get $record))))))
          (local.set $at (i32.add (local.get $at) (i32.const 12)))
          (local.set $record (i32.add (local.get $record) (i32.const 16)))
          (br_if $fours (local.tee $size (i32.sub (local.get $size) (i32.const 1)))))
        (v128.store32_lane align=1 0 (local.get $target) (call $rounded (local.get $low) (local.get $high)))
        (local.set $target (i32.add (local.get $target) (i32.const 3)))
        (br $places))))

  ;; A row of grey pixels → `size` pixels
  (func (export "acrossGrey") (param $source i32) (param $target i32) (param $size i32) (param $record i32)
    (local $at i32) (local $end i32) (local $sum v128)
    (local.set $end (i32.add (local.get $target) (local.get $size)))
    (block $done
      (loop $places
        (br_if $done (i32.ge_u (local.get $target) (local.get $end)))
        (local.set $at (i32.add (local.get $source) (i32.load (local.get $record))))
        (local.set $size (i32.load offset=4 (local.get $record)))
        (local.set $record (i32.add (local.get $record) (i32.const 8)))
        (local.set $sum (v128.const i32x4 0 0 0 0)) ;; low 0 + 1, low 2 + 3, high 0 + 1, high 2 + 3
        (loop $fours
          (local.set $sum (i32x4.add (local.get $sum) (i32x4.dot_i16x8_s
            (i16x8.extend_low_i8x16_u (v128.load32_splat align=1 (local.get $at)))
            (v128.load align=1 (local.get $record)))))
          (local.set $at (i32.add (local.get $at) (i32.const 4)))
          (local.set $record (i32.add (local.get $record) (i32.const 16)))
          (br_if $fours (local.tee $size (i32.sub (local.get $size) (i32.const 1)))))
        (v128.store8_lane 0 (local.get $target) (call $rounded
          (i32x4.splat (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum))))
          (i32x4.splat (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum))))))
        (local.set $target (i32.add (local.get $target) (i32.const 1)))
        (br $places))))

  ;; Rows of `stride` bytes → one, by the record of its place; `source` is the row of the first tap
  (func (export "down") (param $source i32) (param $target i32) (param $stride i32) (param $record i32)
    (local $at i32) (local $end i32) (local $left i32) (local $weights i32) (local $pair v128) (local $a v128) (local $b v128)
    (local $low v128) (local $low2 v128) (local $high v128) (local $high2 v128)
    (local.set $end (i32.add (local.get $target) (local.get $stride)))
    (block $done
      (loop $eights
        (br_if $done (i32.ge_u (local.get $target) (local.get $end)))
        (local.set $at (local.get $source))
        (local.set $left (i32.shl (i32.load offset=4 (local.get $record)) (i32.const 1)))
        (local.set $weights (i32.add (local.get $record) (i32.const 8)))
        (local.set $low (v128.const i32x4 0 0 0 0))
        (local.set $low2 (v128.const i32x4 0 0 0 0))
        (local.set $high (v128.const i32x4 0 0 0 0))
        (local.set $high2 (v128.const i32x4 0 0 0 0))
        (loop $pairs
          ;; eight columns of two rows in turns
          (local.set $pair (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23
            (v128.load64_zero align=1 (local.get $at))
            (v128.load64_zero align=1 (i32.add (local.get $at) (local.get $stride)))))
          (local.set $a (i16x8.extend_low_i8x16_u (local.get $pair)))
          (local.set $b (i16x8.extend_high_i8x16_u (local.get $pair)))
          (local.set $pair (v128.load32_splat align=1 (local.get $weights)))
          (local.set $low (i32x4.add (local.get $low) (i32x4.dot_i16x8_s (local.get $a) (local.get $pair))))
          (local.set $low2 (i32x4.add (local.get $low2) (i32x4.dot_i16x8_s (local.get $b) (local.get $pair))))
          (local.set $pair (v128.load32_splat offset=8 align=1 (local.get $weights)))
          (local.set $high (i32x4.add (local.get $high) (i32x4.dot_i16x8_s (local.get $a) (local.get $pair))))
          (local.set $high2 (i32x4.add (local.get $high2) (i32x4.dot_i16x8_s (local.get $b) (local.get $pair))))
          (local.set $at (i32.add (local.get $at) (i32.shl (local.get $stride) (i32.const 1))))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          ;; the second pair of a four lies 4 bytes on, the next four 12 more
          (local.set $weights (i32.add (local.get $weights)
            (select (i32.const 4) (i32.const 12) (i32.and (local.get $left) (i32.const 1)))))
          (br_if $pairs (local.get $left)))
        (v128.store32_lane align=1 0 (local.get $target) (call $rounded (local.get $low) (local.get $high)))
        (v128.store32_lane offset=4 align=1 0 (local.get $target) (call $rounded (local.get $low2) (local.get $high2)))
        (local.set $target (i32.add (local.get $target) (i32.const 8)))
        (local.set $source (i32.add (local.get $source) (i32.const 8)))
        (br $eights)))))

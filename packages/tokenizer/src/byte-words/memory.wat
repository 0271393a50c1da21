;; The words of byte-level BPE: cuts UTF-8 into pieces (cut.wat), looks every piece up among those that are known (known.wat) and encodes
;; those that are not (unknown.wat). byte-words.ts has the same places.
;;
;; Memory, in bytes:
;;       0  what masks are cut from: 16 bytes of ones, 16 of zeros
;;      32  where the piece begins that is not known, 36 where it ends; 0 where all are
;;      64  page of 256 code points → which of the class pages is its, 4,352 bytes
;;    8192  class pages, 256 bytes each (unicode.ts has the classes)
;;  131072  the text, well formed and with zeros behind it (no run goes on behind its end), 49,280 bytes
;;  180352  of up to 256 pieces where each ends, 1 KiB; the set of each among the tokens, 1 KiB; the key of each, 4 KiB
;;  186560  ids, 192 KiB and some more
;;  393216  words: 16,384 sets of two slots of 32 bytes, a piece of up to 15 bytes with its length in the last byte, and four ids, the first
;;          one with their count in its upper 8 bits; a count of 255 says that there are more: the piece is a long word
;; 1441792  long words: 4,096 slots of 128 bytes, a piece of up to 31 bytes with its length in the last byte and 24 ids in the same way
;; 1966080  answers of $mayMeet: 16,384 times the left token, and twice the right one and one more for yes
;; 2097152  two bytes → the node below both in the trie, −1 for none
;; 2359296  byte → token, −1 for none
;; 2360320  place in a piece → 1 where no encoding goes on from there, 49,280 bytes
;; 2409600  tokens: sets of 64 bytes, four tokens of up to 12 bytes in columns of four bytes, the last column their ids with their lengths
;;          in the upper 8 bits
;; and behind them what globals point to: facts of tokens as in merge-order.ts, the trie as in token-trie.ts, the ranks of pairs
  (memory (export "memory") 40)
  (data (i32.const 0) "\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff")
  ;; 64 less the bits of a set's number
  (global $tokenShift (export "tokenShift") (mut i64) (i64.const 0))
  ;; 0 where unknown pieces are encoded in JavaScript
  (global $facts (export "facts") (mut i32) (i32.const 0))
  (global $trie (export "trie") (mut i32) (i32.const 0))
  (global $ranks (export "ranks") (mut i32) (i32.const 0))
  ;; The bytes of the ranks less 8
  (global $rankMask (export "rankMask") (mut i32) (i32.const 0))
  ;; Whether a piece that is a token is not taken apart
  (global $whole (export "whole") (mut i32) (i32.const 0))


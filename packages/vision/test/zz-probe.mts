import sharp from 'sharp';
import { decodeImage } from '../src/image/decode.ts';
for (const [r,g,b] of [[255,0,0],[0,255,0],[0,0,255],[200,100,50],[77,77,77]]) {
  const png = await sharp(Buffer.from([r!,g!,b!]),{raw:{width:1,height:1,channels:3}}).png().toBuffer();
  console.log([r,g,b], (await decodeImage(png,{channels:1})).data[0], '601:', Math.round((299*r!+587*g!+114*b!)/1000));
}

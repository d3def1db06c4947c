// Two short tones. Browsers let a page sound only after somebody has touched it.
let context: AudioContext | null = null;

export function beep(): void {
  context ??= new AudioContext();
  void context.resume().then(() => {
    tone(660, 0);
    tone(880, 0.12);
  }, () => undefined);
  document.documentElement.dataset.beeps = String(Number(document.documentElement.dataset.beeps ?? 0) + 1);
}

function tone(pitch: number, after: number): void {
  const [source, volume] = [context!.createOscillator(), context!.createGain()];
  const start = context!.currentTime + after;
  source.frequency.value = pitch;
  volume.gain.setValueAtTime(0.0001, start);
  volume.gain.exponentialRampToValueAtTime(0.12, start + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.16);
  source.connect(volume).connect(context!.destination);
  source.start(start);
  source.stop(start + 0.18);
}

/** The models of the reference on WebGPU, with weights, moments, keys and values on the device. */
import { afterAll } from 'vitest';
import { SessionCache } from '#core/engine/sessionCache.ts';
import { describeWithShared } from '../shared.ts';
import { describeWithWebGpu } from '../softwareAdapter.ts';
import { describeModel, modelNames } from './describeModel.ts';

const sessions = new SessionCache(1, 'webgpu');
afterAll(() => sessions.close());

describeWithShared('models on WebGPU', () => {
  describeWithWebGpu('in software', () => {
    for (const name of modelNames) describeModel(name, sessions);
  });
});

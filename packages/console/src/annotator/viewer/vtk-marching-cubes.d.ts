/** vtk.js has no types for it. */
declare module '@kitware/vtk.js/Filters/General/ImageMarchingCubes.js' {
  import type vtkPolyData from '@kitware/vtk.js/Common/DataModel/PolyData.js';

  interface MarchingCubes {
    setInputData(image: object): void;
    getOutputData(): vtkPolyData;
    delete(): void;
  }
  const vtkImageMarchingCubes: {
    newInstance(options: { contourValue: number; computeNormals: boolean; mergePoints: boolean }): MarchingCubes;
  };
  // biome-ignore lint/style/noDefaultExport: as the library has it.
  export default vtkImageMarchingCubes;
}

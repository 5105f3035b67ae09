/* The list of public data sets, and where on this machine they are. */
#include "data/registry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const jd_dataset_file mnist_files[] = {
    {"train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 47040016},
    {"train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60008},
    {"t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 7840016},
    {"t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10008},
    {NULL, NULL, 0}};

static const jd_dataset_file fashion_files[] = {
    {"train-images-idx3-ubyte", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888", 47040016},
    {"train-labels-idx1-ubyte", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9", 60008},
    {"t10k-images-idx3-ubyte", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b", 7840016},
    {"t10k-labels-idx1-ubyte", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34", 10008},
    {NULL, NULL, 0}};

static const jd_dataset_file uci_files[] = {
    {"airfoil.csv", "6e7ca2add64a706da1e707c9a3e281d5ea505b423eae6fcfda10c264cce4ac80", 58498},
    {"bostonHousing.csv", "c8da4d764f7b01c26d8f01d3a1ec349147dcd48b8fb12d947ea025832c2ffaa2", 34677},
    {"concrete.csv", "2cec572996679aa438562a596bd5e444c6d03aa26d4788e0939ac3fa2a90abbe", 40344},
    {"energy.csv", "624bd987bfb832b2cb798380557830e01602cbd28e240da008a456c84d017917", 28976},
    {"kin8nm.csv", "a10f802b109d671dcf3da3f69af8732ae93f6b48ce9a206fe8020bcdf568b5b3", 815594},
    {"power-plant.csv", "e4285a8bdec94d993d57fedb9dc319d05eb737c5aa5e3d20201f5d2b5b82042a", 308694},
    {"wine-quality-red.csv", "99fc279c5c7a997b568f98b4f09894d09d948a0f0ec1c33a781f05ae55b70729", 84064},
    {"yacht.csv", "e907d640c737785942f81c87de9275b8b6ac07b0b6d5254a82b00dbb16432240", 10745},
    {NULL, NULL, 0}};
static const jd_dataset_file unipen_files[] = {
    {"words_train.tsv", "c686bd74b4bd7b3953de0711eabf0a2cc956872941575ef5c2b1ada653a1704a", 27565912},
    {"words_valid.tsv", "e05e454d19b3b92ce54760fbfb23c1260e5c1c53cb2e69a97b41ba23bd44bfb7", 3213618},
    {"words_test.tsv", "b24b488a13acc64ddb0ce143b72b88bf0e792fd6da3aaa082e6f63a3a0f7022d", 2896366},
    {"lines_train.tsv", "518c5be3428e3c97fe6ace0ce9b5b52cdb3f9f415b028215f27247fd1a83831a", 11303455},
    {"lines_valid.tsv", "696cb4b24d9eddf091c87905a06a53e4d154623a809a8f64b05007412109afdc", 734217},
    {"lines_test.tsv", "59605cc9420866bb71bc377eb3145f3da6262b972437ece5f2bc9401c1734967", 3143485},
    {NULL, NULL, 0}};
/* The indices of both splits, then the mosaics they name. */
static const jd_dataset_file gtsrb_files[] = {
    {"train.tsv", "ce18ead6aa48c7363d4d9d6080af3c6484391664d25ffd799c075cb9b19583d8", 270606},
    {"test.tsv", "6a77b18850d44d2d70ad2ee0a59393773ee70a0e55fa4a749c0a40ec710908d1", 171665},
    {"test-00.png", "5490ec0f2259b30dbf50dfa0d676ae8cb73ec5662bb4580943a05f9709e6e1ea", 2016262},
    {"test-01.png", "a795cbf764828aba56299c13b45d08d65a229dc5cb0cfd8a84b9229314532452", 2030569},
    {"test-02.png", "258eb0fdf0501ef900213a18b05c997bbc06d4035d6a07c203c47d4021995ca3", 2016816},
    {"test-03.png", "a323a2260698aaed3549471c7c620defb39c43f2f76dde6475e149a0a30319fc", 1843867},
    {"train-00.png", "9defc95bcf4f3623eaf6ec4e8300d79cd42e22792f4a58b0c6f942b15b5daddb", 2154952},
    {"train-01.png", "433b13364c8b61fd5d84c61f80c6eda07c1a953b3fd45f2c0b462fcae27d6905", 1854895},
    {"train-02.png", "ff12c95d1278a6094343e0589b59b15dd11989c49c48d81a17df069900f580d7", 1954903},
    {"train-03.png", "c1f45ea174177e0a6d27017e4f6824d6de52c950d8b82558277f738245737583", 2080620},
    {"train-04.png", "262425a3993416dbb5a8625be9ce81aba98177240c9cf40e6a29c2d556cf2712", 2078360},
    {"train-05.png", "0b5954ff6ed0caf000ab82f346de75286f72380216ed4c93fc8979d43ad9b317", 2056519},
    {"train-06.png", "a6f9dfc5fde9681c6c4e9a913c3d3796585fd7c38668b56e2835cfc19a429981", 748581},
    {NULL, NULL, 0}};

static const jd_dataset_file hwdb_files[] = {
    {"train-images-idx3-ubyte", "8c66732bb5646c08103ea20d7fe90a7d1deb4e0a8ac50b104b8af51d4b3c4f0c", 55219984},
    {"train-labels-idx1-ubyte", "ff33e1fa9243b98b1a0c2b56103b5c6af67287811e304eaf0fbf270d4e7c35d7", 23975},
    {"test-images-idx3-ubyte", "cd6cd67b8db317920d9af1a4d606b90fa20adabc0bc8db484acbebe56121f7c0", 9216016},
    {"test-labels-idx1-ubyte", "50b2f337ddd265feaf0eac7346a688046fc4cb918b6d557880167a3f231ad900", 4008},
    {NULL, NULL, 0}};

static const jd_dataset_file commands_files[] = {
    {"index.tsv", "c0a9eade3aa75adddc2fbdbd73264b7df2868d70aee1b2ea63f2ca05d6f1179d", 196282}, {NULL, NULL, 0}};
/* The first and the last slice that are read. */
static const jd_dataset_file isbi2012_files[] = {
    {"image/00.png", "85489ad73fb559553fe9b44a78abfc828a9283e00905d598f0644e3a852b73db", 187630},
    {"label/00.png", "82f6cc177439da50fc440cef2f19db03ef98ecf6942d716ebeafa5d129900919", 10046},
    {"image/24.png", "0db1fa439689680d66afb80ad53736d98991ccaa4a7d15dec78b80d288fbb098", 218478},
    {"label/24.png", "bc573d664f60ed3e248039a8c5c1e6056e63734e0647f39b9f8d9023fbcede94", 8475},
    {NULL, NULL, 0}};
static const jd_dataset_file nuclei_files[] = {
    {"images.tsv", "dc25054328fa5be8e0c547b24ad44892be1e270bf94edb8a3606e28aba029fcd", 21034},
    {"train_points.tsv", "ff4b7cb267863062875fa6c0feac701cae6afbb6862b577b12ed3fcf992db7ae", 205115},
    {"test_points.tsv", "b8ce76bc6f74e7ceb7eb46a3de0d47da094c7fd1deb8d16117ad4aa6f2880e4a", 57724},
    {NULL, NULL, 0}};
static const jd_dataset_file cifar_jpeg_files[] = {
    {"train.tsv", "909990395a2f2dc0e84f253f44833f4d43a52c61db041cf5596a6533d6021670", 618841},
    {"test.tsv", "917f51fa20547e81982f552f22fa4f810cb66b4f606dc289115e30e6ab75f41c", 118992},
    {"train.bin", "3fada3ce523e496a6c7c5e1e3a9d2d383f4bc1b4946c951f12653156a0edabd7", 13817200},
    {"test.bin", "4c83e6c8c8e2deb9ba25ecbfe4d823fcd53d798fdd78c6e329107e8220d96f46", 2761039},
    {NULL, NULL, 0}};
/* No sums are recorded for the sets that follow: they were not at hand. */
static const jd_dataset_file cifar_files[] = {{"data_batch_1.bin", NULL, 30730000},
                                              {"data_batch_2.bin", NULL, 30730000},
                                              {"data_batch_3.bin", NULL, 30730000},
                                              {"data_batch_4.bin", NULL, 30730000},
                                              {"data_batch_5.bin", NULL, 30730000},
                                              {"test_batch.bin", NULL, 30730000},
                                              {NULL, NULL, 0}};
static const jd_dataset_file cifar_python_files[] = {{"data_batch_1", NULL, 0},
                                                     {"data_batch_2", NULL, 0},
                                                     {"data_batch_3", NULL, 0},
                                                     {"data_batch_4", NULL, 0},
                                                     {"data_batch_5", NULL, 0},
                                                     {"test_batch", NULL, 0},
                                                     {NULL, NULL, 0}};
static const jd_dataset_file cifar100_files[] = {
    {"train.bin", NULL, 153700000}, {"test.bin", NULL, 30740000}, {NULL, NULL, 0}};
static const jd_dataset_file cifar100_python_files[] = {{"train", NULL, 0}, {"test", NULL, 0}, {NULL, NULL, 0}};
#define NORB_TRAIN "smallnorb-5x46789x9x18x6x2x96x96-training-"
#define NORB_TEST  "smallnorb-5x01235x9x18x6x2x96x96-testing-"
static const jd_dataset_file norb_files[] = {{NORB_TRAIN "dat.mat", NULL, 447897624},
                                             {NORB_TRAIN "cat.mat", NULL, 97220},
                                             {NORB_TRAIN "info.mat", NULL, 388820},
                                             {NORB_TEST "dat.mat", NULL, 447897624},
                                             {NORB_TEST "cat.mat", NULL, 97220},
                                             {NORB_TEST "info.mat", NULL, 388820},
                                             {NULL, NULL, 0}};
static const jd_dataset_file gtsrb_full_files[] = {{"Final_Training/Images/00000/GT-00000.csv", NULL, 0},
                                                   {"Final_Test/Images/GT-final_test.csv", NULL, 0},
                                                   {NULL, NULL, 0}};
static const jd_dataset_file hwdb_full_files[] = {
    {"HWDB1.1trn_gnt/1001-c.gnt", NULL, 0}, {"HWDB1.1tst_gnt/1241-c.gnt", NULL, 0}, {NULL, NULL, 0}};
/* The indices of both splits, and the first volume. */
static const jd_dataset_file hippocampus_files[] = {
    {"train.tsv", "f8d875d67b1a15e72e29e0178b9ee37a0d89ceaa3bd321b0aa227cfe82cde934", 5937},
    {"test.tsv", "7add8768c22ed7709834324fed116699c45396a3c4705da9324db01d3fcc129e", 1795},
    {"image/hippocampus_001.nii", "295d1fa39faf27ca2c9c5acb43c8bc810687e62f714a2669499fffc9ecbeb4be", 62827},
    {"label/hippocampus_001.nii", "8612550c6bed768e2aa539b60e3882f399eebefdc724eea3e2e00284d52b157b", 62827},
    {NULL, NULL, 0}};
static const jd_dataset_file cb513_files[] = {
    {"train.tsv", "af96f89795a618d33cc7b37a182f3774c77833b4d392b3b4fd91fde67dd920b9", 481944},
    {"test.tsv", "339182e82aca5c9781c5ec82a21c1ad829530a4025f18569a4fd1281725570cf", 101202},
    {NULL, NULL, 0}};
static const jd_dataset_file chorales_files[] = {
    {"quarter.train.txt", "71b67fe3c8430bf46e87104ccfc5df69fdf5afa23d935b9b5fb403fcda730580", 161508},
    {"quarter.valid.txt", "9edd6a19beacfc7171d45b4c3cf0555f197cee84b24050c34a15b9a7e8379bf0", 53491},
    {"quarter.test.txt", "ec4c7578f4f6f8ff13d9d4e3e5382728f92c7e3a1882bd35b44a8a534bf0c168", 55135},
    {"16th.train.txt", "96f31b0f6992743704dbfd4f57df05de734e061758f7e92a39835d31ec9d1d3d", 661647},
    {"16th.valid.txt", "e37312a534306503edf2db0baf8931f18600ca5e2b22234c6092aee231be5a5e", 219361},
    {"16th.test.txt", "0d495859b067fd8704dc02e27e625965594acf6f52afd9e2b9c65fc99941bac3", 226084},
    {NULL, NULL, 0}};
static const jd_dataset_file prompts_files[] = {
    {"transcripts.tsv", "652d80aa866358b7d198a7127d50b0212fb38b71cf06420989592c5f0f7eeba7", 21355}, {NULL, NULL, 0}};
static const jd_dataset_file robocup2d_files[] = {
    {"train.tsv", "29735a9805cc23c2a6223d1f89f5f02847ef35e60f495d8fd8dee6d4396f01fe", 1216065},
    {"test.tsv", "a72326376339a0f6cf7b01b9dc3fa281ed493a3f6378c1164db023dc30ceb417", 267922},
    {NULL, NULL, 0}};
static const jd_dataset_file speeches_files[] = {
    {"train.txt", "5ba87c8f754b8834de7f2d1301cecb8b9ac3d7140ac5082081d89dc0c2fe3b4e", 1780988},
    {"valid.txt", "df00a7a621362a9ff304890d6160726f9b429e6846009b78095576cedd59bb6f", 140630},
    {"test.txt", "992f37e03421fa9ed2e04e1ee35103f553ef3e4d2a529e857868846f05d530ed", 152424},
    {NULL, NULL, 0}};
static const jd_dataset_file no_files[] = {{NULL, NULL, 0}};

static const jd_dataset_file multi30k_files[] = {
    {"train.en", "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6", 1801238},
    {"train.fr", "5925a3c18f1587b6b54b87743106e6e8ab93618edb6f65d19eac0621f853a10d", 2111303},
    {"train.de", "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72", 2110398},
    {"val.en", "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227", 63297},
    {"val.fr", "5304e444d842e962b2dda4d816b70b22a1765b15401642b7ca37a67477e708dc", 73924},
    {"val.de", "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660", 75981},
    {"test_2016_flickr.en", "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182", 62076},
    {"test_2016_flickr.fr", "cb3160d69b002bb638e66cc7612fcd56cb0af82eadc9c142dedc438afb885ef6", 72261},
    {"test_2016_flickr.de", "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16", 70649},
    {"test_2017_flickr.en", "ce1450ddc5ab0834502579d77a170849952e15a2938b34cc503bdc25ebb4fb98", 55242},
    {"test_2017_flickr.fr", "6f3764e31dac41e9455e612958bcfd4e877c5e15cd66df2c2b2be6d9bd83e5b6", 65691},
    {"test_2017_flickr.de", "c3078bc3b36808bf9d20eb2347ed6137016179ef59ec0d2b9b8ecc3fb2880081", 64059},
    {NULL, NULL, 0}};
static const jd_dataset_file ptb_files[] = {
    {"wsj_combined_train.mrg", "7a2a9540d3eecb8022bbab317e4299d7032d12c4f8af6a1d05ec331c73045a30", 2560637},
    {"wsj_combined_test.mrg", "a33be58edc74bf95cb89dd8e84d631ea4225605ca3096ecee69a6f1f562291b1", 172592},
    {NULL, NULL, 0}};

static const jd_dataset sets[] = {
    {.name = "mnist",
     .title = "MNIST: handwritten digits, 28 x 28, 60000 train, 10000 test",
     .home = "http://yann.lecun.com/exdb/mnist",
     .licence = "CC BY-SA 3.0",
     .obtain = "take the four files {train,t10k}-{images-idx3,labels-idx1}-ubyte.gz from any mirror of the home page",
     .files = mnist_files,
     .classes = 10,
     .format = JD_SET_IDX,
     .folders = (const char *const[]){"raw", "MNIST/raw", NULL}},
    {.name = "fashion-mnist",
     .title = "Fashion-MNIST: articles of clothing, 28 x 28, 60000 train, 10000 test",
     .home = "https://github.com/zalandoresearch/fashion-mnist",
     .licence = "MIT",
     .package = "dataset-fashion-mnist",
     .directory = "/usr/share/datasets/fashion-mnist",
     .download = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
     .obtain = "apt-get install dataset-fashion-mnist",
     .files = fashion_files,
     .classes = 10,
     .format = JD_SET_IDX,
     .folders = (const char *const[]){"raw", "FashionMNIST/raw", NULL}},
    {.name = "fsdd",
     .title = "Free Spoken Digit Dataset: ten English digits, 50 takes of each speaker, WAV 8 kHz",
     .home = "https://github.com/Jakobovski/free-spoken-digit-dataset",
     .licence = "CC BY-SA 4.0",
     .obtain = "git clone https://github.com/Jakobovski/free-spoken-digit-dataset, which has the files in recordings/",
     .files = no_files,
     .classes = 10,
     .folders = (const char *const[]){"free-spoken-digit-dataset", "free-spoken-digit-dataset-master", NULL}},
    {.name = "uci_regression",
     .title = "Eight regression tables of the UCI repository as CSV, the target in the last column",
     .home = "https://archive.ics.uci.edu",
     .licence = "mostly CC BY 4.0",
     .obtain = "write each table as CSV with a header line x1,...,y under the names that `jackdaw data list` shows",
     .files = uci_files},
    {.name = "unipen",
     .title = "UNIPEN: online handwriting, 40554 words and 3145 lines, writers of train, valid and test disjoint",
     .home = "https://doi.org/10.5281/zenodo.1195803",
     .licence = "CC BY 4.0",
     .obtain = "unpack train_r01_v07, of which data/ and include/ are read; or write it as the tables that "
               "include/jackdaw/ink.h describes, under the names that `jackdaw data list` shows",
     .files = unipen_files,
     .folders = (const char *const[]){"train_r01_v07", NULL},
     .official = (const char *const[]){"include", NULL}},
    {.name = "gtsrb32",
     .title = "German traffic signs at 32 x 32: 43 classes, 6535 train (5 frames of each track), 4000 test",
     .home = "https://benchmark.ini.rub.de",
     .licence = "for research",
     .obtain = "cut frames 4, 10, 16, 22, 28 of every track into mosaics of 32 x 32 tiles with an index of each split",
     .files = gtsrb_files,
     .classes = 43,
     .format = JD_SET_MOSAICS},
    {.name = "hwdb100",
     .title = "CASIA-HWDB, 100 characters that look alike, 48 x 48: 23967 train, 4000 test",
     .home = "http://www.nlpr.ia.ac.cn/databases/handwriting",
     .licence = "for academic research",
     .obtain =
         "ask for it at the home page, and write it as IDX files of 48 x 48, ink bright, with the folder's numbers",
     .files = hwdb_files,
     .classes = 100,
     .format = JD_SET_IDX},
    {.name = "speech_commands12",
     .title =
         "Speech Commands v0.02, its test set by speaker: 12 classes, 3013 clips to train, 823 to test, FLAC 8 kHz",
     .home = "https://arxiv.org/abs/1804.03209",
     .licence = "CC BY 4.0",
     .obtain =
         "unpack speech_commands_v0.02.tar.gz; or put index.tsv (file, word, speaker, split) and the clips that it "
         "lists into one folder",
     .files = commands_files,
     .classes = 12,
     .official = (const char *const[]){"testing_list.txt", NULL}},
    {.name = "isbi2012",
     .title = "ISBI 2012: 30 slices of a fly's nerve cord under the electron microscope, 512 x 512, membranes marked",
     .home = "http://brainiac2.mit.edu/isbi_challenge",
     .licence = "for research and education",
     .obtain = "take train-volume.tif and train-labels.tif of the contest; or write each slice as image/NN.png and its "
               "labels, white inside of cells, as label/NN.png",
     .files = isbi2012_files,
     .classes = 2,
     .official = (const char *const[]){"train-volume.tif", NULL}},
    {.name = "dsb2018_nuclei",
     .title = "Nuclei of the 2018 Data Science Bowl with their centres: 170 pictures train, 39 test",
     .home = "https://bbbc.broadinstitute.org/BBBC038",
     .licence = "CC0",
     .obtain =
         "unpack stage1_train.zip into stage1_train; or write each picture as image/ID.png, and the tables images.tsv, "
         "train_points.tsv, test_points.tsv",
     .files = nuclei_files,
     .classes = 2,
     .official = (const char *const[]){"stage1_train", NULL}},
    {.name = "msd_hippocampus",
     .title =
         "Medical Segmentation Decathlon, task 4: magnetic resonance of the hippocampus with both its parts marked, "
         "100 volumes train, 30 test",
     .home = "http://medicaldecathlon.com",
     .licence = "CC BY-SA 4.0",
     .obtain = "unpack Task04_Hippocampus.tar; or put images into image/, their labels into label/, and list the "
               "files of each split in the column `file` of train.tsv and test.tsv",
     .files = hippocampus_files,
     .classes = 3,
     .folders = (const char *const[]){"Task04_Hippocampus", NULL},
     .official = (const char *const[]){"imagesTr", NULL}},
    {.name = "cifar10_jpeg",
     .title = "CIFAR-10 as JPEG files (lossy), 10 classes, 32 x 32 colour: 15000 train, 3000 test",
     .home = "https://www.cs.toronto.edu/~kriz/cifar.html",
     .licence = "none stated",
     .obtain = "lay 1500 train and 300 test pictures of each class end to end in train.bin and test.bin, with an index "
               "(offset, length, label) of each",
     .files = cifar_jpeg_files,
     .classes = 10,
     .format = JD_SET_BLOB},
    {.name = "cifar10",
     .title = "CIFAR-10, binary version, 10 classes, 32 x 32 colour: 50000 train, 10000 test",
     .home = "https://www.cs.toronto.edu/~kriz/cifar.html",
     .licence = "none stated",
     .obtain = "take cifar-10-binary.tar.gz from the home page and unpack its .bin files",
     .files = cifar_files,
     .classes = 10,
     .format = JD_SET_CIFAR,
     .folders = (const char *const[]){"cifar-10-batches-bin", NULL}},
    {.name = "cifar10_python",
     .title = "CIFAR-10, Python version: the same pictures as of cifar10, as torchvision fetches them",
     .home = "https://www.cs.toronto.edu/~kriz/cifar.html",
     .licence = "none stated",
     .obtain = "take cifar-10-python.tar.gz from the home page and unpack its folder cifar-10-batches-py",
     .files = cifar_python_files,
     .classes = 10,
     .format = JD_SET_CIFAR,
     .folders = (const char *const[]){"cifar-10-batches-py", NULL}},
    {.name = "cifar100",
     .title = "CIFAR-100, binary version, 100 classes, 32 x 32 colour: 50000 train, 10000 test",
     .home = "https://www.cs.toronto.edu/~kriz/cifar.html",
     .licence = "none stated",
     .obtain = "take cifar-100-binary.tar.gz from the home page and unpack its .bin files",
     .files = cifar100_files,
     .classes = 100,
     .format = JD_SET_CIFAR,
     .folders = (const char *const[]){"cifar-100-binary", NULL}},
    {.name = "cifar100_python",
     .title = "CIFAR-100, Python version: the same pictures as of cifar100",
     .home = "https://www.cs.toronto.edu/~kriz/cifar.html",
     .licence = "none stated",
     .obtain = "take cifar-100-python.tar.gz from the home page and unpack its files train and test",
     .files = cifar100_python_files,
     .classes = 100,
     .format = JD_SET_CIFAR,
     .folders = (const char *const[]){"cifar-100-python", NULL}},
    {.name = "norb",
     .title = "Small NORB: five kinds of toys from two cameras, 96 x 96: 24300 train, 24300 test, other toys",
     .home = "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small",
     .licence = "for research",
     .obtain = "take the six smallnorb-5x*.mat.gz files from the home page",
     .files = norb_files,
     .classes = 5,
     .format = JD_SET_NORB},
    {.name = "gtsrb",
     .title = "German traffic signs as distributed: 43 classes, 39209 train, 12630 test, 15 to 250 pixels",
     .home = "https://benchmark.ini.rub.de",
     .licence = "for research",
     .obtain = "unpack GTSRB_Final_Training_Images.zip and GTSRB_Final_Test_Images.zip, put GT-final_test.csv of "
               "GTSRB_Final_Test_GT.zip in place of the index without classes, and take the folder GTSRB",
     .files = gtsrb_full_files,
     .classes = 43,
     .format = JD_SET_GTSRB,
     .folders = (const char *const[]){"GTSRB", NULL}},
    {.name = "hwdb",
     .title = "CASIA-HWDB1.1: the 3755 characters of GB2312 level 1 by 300 writers, GNT files",
     .home = "http://www.nlpr.ia.ac.cn/databases/handwriting",
     .licence = "for academic research",
     .obtain = "unpack the .gnt files of HWDB1.1 into HWDB1.1trn_gnt and HWDB1.1tst_gnt",
     .files = hwdb_full_files,
     .classes = 3755,
     .format = JD_SET_GNT},
    {.name = "protein_cb513",
     .title = "CB513: 511 protein chains with the secondary structure of every residue, 418 train, 93 test",
     .home = "https://doi.org/10.1002/(SICI)1097-0134(19990301)34:4<508::AID-PROT10>3.0.CO;2-4",
     .licence = "CC0",
     .obtain = "take CB513.csv of NetSurfP-2.0 or cb513+profile_split1.npy.gz of ICML 2014; or write train.tsv and "
               "test.tsv with the columns id, sequence, dssp3, dssp8, "
               "mask (a letter a residue)",
     .files = cb513_files,
     .official = (const char *const[]){"CB513.csv", "CB513_HHblits.csv", "cb513+profile_split1.npy",
                                       "cb513+profile_split1.npy.gz", NULL}},
    {.name = "jsb_chorales",
     .title = "382 chorales harmonised by J. S. Bach, as the notes sounding at every quarter or sixteenth",
     .home = "https://github.com/czhuang/JSB-Chorales-dataset",
     .licence = "the music is free; the selection is that of Boulanger-Lewandowski et al. 2012",
     .obtain =
         "take jsb-chorales-quarter.json from the home page; or write quarter.{train,valid,test}.txt: a piece a line, "
         "steps with blanks between, the MIDI notes of a step with commas between, - for silence",
     .files = chorales_files,
     .folders = (const char *const[]){"JSB-Chorales-dataset", "JSB-Chorales-dataset-master", NULL},
     .official = (const char *const[]){"jsb-chorales-quarter.json", NULL}},
    {.name = "asterisk_prompts",
     .title = "Texts of 428 spoken prompts, one voice; the recordings are Debian's asterisk-core-sounds-en-wav",
     .home = "https://github.com/asterisk/asterisk",
     .licence = "CC BY-SA 3.0",
     .obtain = "apt-get install asterisk-core-sounds-en-wav for the recordings; write their texts as transcripts.tsv "
               "with the columns wav and text",
     .files = prompts_files},
    {.name = "robocup2d",
     .title = "One game of the RoboCup 2-D simulation league: the ball and 22 players every 0.1 s",
     .home = "https://github.com/zenoyang/2DLogMining",
     .licence = "not stated by the source",
     .obtain =
         "write train.tsv and test.tsv with the columns cycle, ball_x, ball_y, kicker, l1_x, l1_y .. r11_x, r11_y "
         "(metres), from the positions in a game's log",
     .files = robocup2d_files},
    {.name = "state_union",
     .title = "65 speeches on the state of the union, 1945 to 2006: 56 train, 4 valid, 5 test, plain English text",
     .home = "https://www.nltk.org/nltk_data",
     .licence = "public domain",
     .obtain = "unpack NLTK's state_union.zip; or join its speeches up to 1998 as train.txt, to 2001 as valid.txt, "
               "the later as test.txt",
     .files = speeches_files,
     .folders = (const char *const[]){"state_union", NULL},
     .official = (const char *const[]){"1945-Truman.txt", NULL}},
    {.name = "multi30k",
     .title = "Multi30k: captions of 29000 + 1014 + 2000 pictures in English, German and French, a sentence a line",
     .home = "https://github.com/multi30k/dataset",
     .licence = "not stated; for research, the pictures belong to their owners",
     .obtain = "copy data/task1/raw/{train,val,test_2016_flickr,test_2017_flickr}.{en,de,fr}.gz from the repository",
     .files = multi30k_files,
     .folders =
         (const char *const[]){"data/task1/raw", "dataset/data/task1/raw", "dataset-master/data/task1/raw", NULL}},
    {.name = "ptb_sample_nltk",
     .title = "A sample of the Penn Treebank's Wall Street Journal: 3914 sentences as trees in brackets",
     .home = "https://www.nltk.org/nltk_data",
     .licence = "non-commercial, for illustration (LDC 1995)",
     .obtain = "unpack NLTK's treebank.zip; or put trees into wsj_combined_train.mrg and wsj_combined_test.mrg",
     .files = ptb_files,
     .folders = (const char *const[]){"treebank", NULL},
     .official = (const char *const[]){"combined", NULL}},
};

#define SETS ((int)(sizeof sets / sizeof *sets))

const jd_dataset *jd_dataset_at(int i)
{
    return i >= 0 && i < SETS ? &sets[i] : NULL;
}

const jd_dataset *jd_dataset_find(jd_ctx *ctx, const char *name)
{
    if (jd_error(ctx)) return NULL;
    const char *words[SETS + 1] = {NULL};
    for (int i = 0; i < SETS; i++) {
        if (name && strcmp(sets[i].name, name) == 0) return &sets[i];
        words[i] = sets[i].name;
    }
    const char *near = name ? jd_nearest(name, words) : NULL;
    if (near)
        jd_fail(ctx, JD_EUSAGE, "no data set '%s'; did you mean '%s'?", name, near);
    else
        jd_fail(ctx, JD_EUSAGE, "no data set '%s'; `jackdaw data list` shows those there are", name ? name : "");
    return NULL;
}

static bool regular(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

char *jd__dataset_path(jd_ctx *ctx, const char *dir, const char *file)
{
    char *path = jd_asprintf(ctx, "%s/%s", dir, file);
    if (!path || regular(path)) return path;
    char *gz = jd_asprintf(ctx, "%s/%s.gz", dir, file);
    if (gz && regular(gz)) {
        jd_free(ctx, path);
        return gz;
    }
    jd_free(ctx, gz);
    return path;
}

/* Whether one of the things that tell a set as it is distributed is in `dir`. */
static bool is_official(jd_ctx *ctx, const jd_dataset *set, const char *dir)
{
    struct stat st;
    bool there = false;
    for (int i = 0; !there && set->official && set->official[i]; i++) {
        char *path = jd_asprintf(ctx, "%s/%s", dir, set->official[i]);
        there = path && !stat(path, &st);
        jd_free(ctx, path);
    }
    return there;
}

static bool has_files(jd_ctx *ctx, const jd_dataset *set, const char *dir)
{
    for (const jd_dataset_file *f = set->files; f->name; f++) {
        char *path = jd__dataset_path(ctx, dir, f->name);
        const bool there = path && regular(path);
        jd_free(ctx, path);
        if (!there) return false;
    }
    return true;
}

bool jd__dataset_present(jd_ctx *ctx, const jd_dataset *set, const char *dir)
{
    struct stat st;
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) return false;
    if (!set->files->name) return jd__fsdd_present(ctx, dir);
    return has_files(ctx, set, dir) || is_official(ctx, set, dir);
}

char *jd__dataset_below(jd_ctx *ctx, const jd_dataset *set, const char *dir)
{
    if (jd__dataset_present(ctx, set, dir)) return jd_strdup(ctx, dir);
    for (int i = 0; set->folders && set->folders[i]; i++) {
        char *below = jd_asprintf(ctx, "%s/%s", dir, set->folders[i]);
        if (below && jd__dataset_present(ctx, set, below)) return below;
        jd_free(ctx, below);
    }
    return NULL;
}

char *jd__dataset_cache(jd_ctx *ctx, const jd_dataset *set)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && *cache == '/') return jd_asprintf(ctx, "%s/jackdaw/%s", cache, set->name);
    if (home && *home) return jd_asprintf(ctx, "%s/.cache/jackdaw/%s", home, set->name);
    return NULL;
}

char *jd__dataset_installed(jd_ctx *ctx, const jd_dataset *set)
{
    const char *root = getenv("JACKDAW_DATA");
    char *place[3] = {NULL};
    if (root && *root) place[0] = jd_asprintf(ctx, "%s/%s", root, set->name);
    if (set->directory) place[1] = jd_strdup(ctx, set->directory);
    place[2] = jd__dataset_cache(ctx, set);
    char *found = NULL;
    for (int i = 0; i < 3; i++) {
        if (!found && place[i]) found = jd__dataset_below(ctx, set, place[i]);
        jd_free(ctx, place[i]);
    }
    return found;
}

char *jd_dataset_locate(jd_ctx *ctx, const jd_dataset *set)
{
    if (jd_error(ctx) || !set) return NULL;
    char *found = jd__dataset_installed(ctx, set);
    if (found || jd_error(ctx)) return found;
    const char *root = getenv("JACKDAW_DATA");
    char *cache = jd__dataset_cache(ctx, set);
    jd_fail(ctx, JD_ENOINPUT, "%s: not in $JACKDAW_DATA/%s (JACKDAW_DATA is %s)%s%s%s%s; %s%s", set->name, set->name,
            root && *root ? root : "not set", set->directory ? ", " : "", set->directory ? set->directory : "",
            cache ? ", " : "", cache ? cache : "", set->obtain,
            set->package ? "" : ", and put them into one of these directories");
    jd_free(ctx, cache);
    return NULL;
}

char *jd_dataset_folder(jd_ctx *ctx, const char *name, const char *where)
{
    struct stat st;
    const jd_dataset *set = jd_dataset_find(ctx, name);
    if (!set || !where || !strcmp(name, where)) return set ? jd_dataset_locate(ctx, set) : NULL;
    if (stat(where, &st) || !S_ISDIR(st.st_mode)) {
        jd_fail(ctx, JD_ENOINPUT, "%s: no such folder; for the set %s, %s", where, name, set->obtain);
        return NULL;
    }
    char *below = jd__dataset_below(ctx, set, where);
    return below || jd_error(ctx) ? below : jd_strdup(ctx, where);
}

char *jd_dataset_path(jd_ctx *ctx, const char *name, const char *file)
{
    struct stat st;
    bool known = false;
    for (int i = 0; name && i < SETS; i++) known = known || !strcmp(sets[i].name, name);
    if (name && !known && !stat(name, &st) && S_ISDIR(st.st_mode)) return jd__dataset_path(ctx, name, file);
    const jd_dataset *set = jd_dataset_find(ctx, name);
    char *dir = set ? jd_dataset_locate(ctx, set) : NULL;
    char *path = dir ? jd__dataset_path(ctx, dir, file) : NULL;
    jd_free(ctx, dir);
    return path;
}
